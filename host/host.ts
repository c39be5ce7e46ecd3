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

/** What a client's connection provides with each message. */
export interface MessageContext {
  readonly client: ClientKind;
  /** Aborted with a `HostError` when the client disconnects or the host shuts down. */
  readonly signal: AbortSignal;
  /** @param coalescedBy See `EventDeclaration`. */
  emit(event: HostEvent, coalescedBy: readonly string[] | undefined): void;
}

/** Requests that took at least this long are logged, milliseconds. Polling would fill the log otherwise. */
const SLOW_REQUEST_MS = 250;

/** The host: takes messages and returns replies. Two hosts in one process share nothing but the files on the disk. */
export class Host {
  readonly log: RequestLog;
  /** The hub whose addresses name models in requests. */
  readonly hubEndpoint: string;
  readonly #services: HostServices;
  readonly #listeners = new Set<(event: HostEvent) => void>();
  #requests = 0;

  /** @throws HostError `UNSAFE_FOLDER` where others can write to the data folder, or have made it. */
  constructor(config: HostConfig) {
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
    });
  }

  /** Adds a listener for events that belong to no request. */
  onEvent(listener: (event: HostEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Answers a message. Never rejects: every error becomes an error reply. */
  async handle(message: JsonObject, context: MessageContext): Promise<Reply> {
    const head = readHead(message);
    // The client's own id may be absent, or equal to another client's.
    this.#requests += 1;
    return this.log.withContext({ request: this.#requests, ...head }, () => this.#answer(message, head, context));
  }

  async #answer(message: JsonObject, head: RequestHead, context: MessageContext): Promise<Reply> {
    // `performance` would be loaded by the first request.
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
      requestId,
      signal: context.signal,
      emit: (type, payload) => {
        const event = events.find((declared) => declared.type === type);
        if (event === undefined) throw new TypeError(`${name} does not declare the event ${type}`);
        // Type and payload belong together by the signature of `emit`; the union cannot express the pairing.
        context.emit({ type, payload, ...defined({ requestId }) } as HostEvent, event.coalescedBy);
      },
    };
  }

  /** Lets other hosts of the user load models in this one, which runs until the user ends it. */
  async stay(): Promise<void> {
    await this.#services.stay();
  }

  async #loadForPeer(fields: JsonObject, { signal, emit }: Parameters<LoadForPeer>[1]): Promise<object> {
    const reply = await this.handle({ ...fields, action: 'LOAD_MODEL' }, { client: 'browser', signal, emit });
    if (reply.status === 'success') return Object(reply.payload);
    const { code, message, details } = reply;
    throw new HostError(code, message, { details });
  }

  /** Stops downloads (they can be resumed), ends every runner and closes the databases. */
  async close(): Promise<void> {
    await this.#services.close();
  }
}

/** Returns what answers another host of the user: in frames, as a browser is answered, but with its own handler. */
function peerSessions({ limits }: HostConfig, log: Logger): OpenPeerSession {
  return (socket, handler) => {
    // A session closes its input before its last replies are sent, which would close the whole socket.
    const input = socket.pipe(new PassThrough());
    return new Session({
      input,
      output: socket,
      log,
      // A host that has gone does not read what it asked for.
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
