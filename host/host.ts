import { PassThrough } from 'node:stream';
import type { Call, ClientKind } from './actions/action.ts';
import { loadHandler } from './actions/index.ts';
import { defined } from './common/defined.ts';
import { HostError, isHostError } from './common/errors.ts';
import type { JsonObject } from './common/json.ts';
import { createLogger, type Logger, type RequestLog } from './common/log.ts';
import { unnamedStorageError } from './common/storage-error.ts';
import type { HostConfig } from './config.ts';
import { assertOwnDataFolder } from './configuration/data-folder.ts';
import { errorReply } from './messaging/error-reply.ts';
import type { LoadForPeer, OpenPeerSession } from './peers/peer-server.ts';
import type { ActionDeclaration } from './protocol/define.ts';
import { MAX_REQUEST_BYTES } from './protocol/limits.ts';
import type { EventType, HostEvent, Reply } from './protocol/messages.ts';
import { withPlainNames } from './protocol/model-address.ts';
import { parseRequest, type RequestHead, readHead } from './protocol/parse-request.ts';
import { HostServices } from './services.ts';
import { Session } from './session.ts';

/** The client that sent a message, and how to reach it while the message is handled. */
export interface MessageContext {
  readonly client: ClientKind;
  /** Aborted with a `HostError` when the client disconnects or the host shuts down. */
  readonly signal: AbortSignal;
  /** @param coalescedBy See `EventDeclaration`. */
  emit(event: HostEvent, coalescedBy: readonly string[] | undefined): void;
}

/** Requests that take at least this long are logged, in milliseconds. Logging all would fill the log with polling. */
const SLOW_REQUEST_MS = 250;

/** A host: takes messages and returns replies. Two hosts in one process share only the files on the disk. */
export class Host {
  readonly log: RequestLog;
  /** The address of the hub. Requests may name models by URLs that start with it. */
  readonly hubEndpoint: string;
  readonly #services: HostServices;
  readonly #listeners = new Set<(event: HostEvent) => void>();
  #requests = 0;

  /**
   * @param program The name of the program that starts it, for the user's other programs; a client can give it, too.
   * @throws HostError `UNSAFE_FOLDER` if other users can write to the data folder, or one of them created it.
   */
  constructor(config: HostConfig, program?: string) {
    assertOwnDataFolder(config.paths);
    this.hubEndpoint = config.hubEndpoint;
    this.log = createLogger({ file: config.paths.logFile, debug: config.debug });
    this.#services = new HostServices({
      config,
      log: this.log,
      announce: (event) => {
        for (const listener of this.#listeners) listener(event);
      },
      openPeerSession: peerSessions(config, this.log),
      loadForPeer: (fields, call) => this.#loadForPeer(fields, call),
      program,
    });
  }

  /** Adds a listener for events that belong to no request. */
  onEvent(listener: (event: HostEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Answers a message. Never rejects: every error becomes an error reply. */
  async handle(message: JsonObject, context: MessageContext): Promise<Reply> {
    const head = readHead(message);
    // The request id of the client may be missing, or another client may use the same one.
    this.#requests += 1;
    return this.log.withContext({ request: this.#requests, ...head }, () => this.#answer(message, head, context));
  }

  async #answer(message: JsonObject, head: RequestHead, context: MessageContext): Promise<Reply> {
    // `performance.now()` would load a module of Node.js during the first request.
    const startedAt = process.uptime();
    try {
      const request = await parseRequest(message);
      const { declaration } = request;
      const isRefused = context.client === 'otherExtension' ? declaration.ownExtensionOnly : false;
      if (isRefused || (declaration.localOnly && context.client !== 'local')) throw localOnly(declaration.name);
      const fields = withPlainNames(request.fields, this.hubEndpoint);
      const handler = await loadHandler(request);
      const result = await handler.run(fields, this.#call(declaration, head, context));
      const ms = Math.round((process.uptime() - startedAt) * 1000);
      if (ms >= SLOW_REQUEST_MS) this.log.info('request.done', { ms });
      const { payload, message: text } = result;
      const topLevel = declaration.topLevel === 'payload' ? payload : result.topLevel;
      return { ...topLevel, status: 'success', ...defined({ message: text }), payload, ...head };
    } catch (fault) {
      const error = unnamedStorageError(fault) ?? fault;
      if (isHostError(error)) this.log.info('request.failed', { code: error.code, cause: error.cause });
      else this.log.error('request.internal-error', { error });
      return errorReply(error, head);
    }
  }

  #call({ name, events }: ActionDeclaration, { requestId }: RequestHead, context: MessageContext): Call<EventType> {
    return {
      services: this.#services,
      client: context.client,
      requestId,
      signal: context.signal,
      emit: (type, payload) => {
        const event = events.find((declared) => declared.type === type);
        if (event === undefined) throw new TypeError(`${name} does not declare the event ${type}`);
        // The signature of `emit` pairs types and payloads, which TypeScript cannot derive for the union.
        context.emit({ type, payload, ...defined({ requestId }) } as HostEvent, event.coalescedBy);
      },
    };
  }

  /** Allows other hosts of the user to load models in this one, which runs until the user stops it. */
  async stay(): Promise<void> {
    await this.#services.stay();
  }

  async #loadForPeer(fields: JsonObject, { signal, emit }: Parameters<LoadForPeer>[1]): Promise<object> {
    const reply = await this.handle({ ...fields, action: 'LOAD_MODEL' }, { client: 'browser', signal, emit });
    if (reply.status === 'success') return Object(reply.payload);
    const { code, message, details } = reply;
    throw new HostError(code, message, { details });
  }

  /** Stops downloads, which can be resumed later, ends all runners and closes the databases. */
  async close(): Promise<void> {
    await this.#services.close();
  }
}

/**
 * Returns a function that opens sessions with other hosts of the user. They use frames, like sessions with browsers.
 */
function peerSessions({ limits }: HostConfig, log: Logger): OpenPeerSession {
  return (socket, handler) => {
    // A session closes its input before it sends the last replies. Closing the socket itself would end both directions.
    const input = socket.pipe(new PassThrough());
    return new Session({
      input,
      output: socket,
      log,
      // If the other host has disconnected, it does not read the replies.
      limits: { ...limits, shutdownGraceMs: 0, maxReplyBytes: MAX_REQUEST_BYTES },
      handler: async (message, { signal, emit }) => {
        const head = readHead(message);
        try {
          const call = { signal, emit: (event: object) => emit(event as HostEvent) };
          return { status: 'success', payload: undefined, ...(await handler(message, call)), ...head };
        } catch (error) {
          return errorReply(error, head);
        }
      },
    });
  };
}

function localOnly(action: string): HostError {
  return new HostError('LOCAL_ONLY', `${action} is available only on the command line. Run: tabagent call ${action}`, {
    details: { action },
  });
}
