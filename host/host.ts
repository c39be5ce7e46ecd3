import type { Call } from './actions/action.ts';
import { dispatch } from './actions/dispatch.ts';
import { defined } from './common/defined.ts';
import { HostError, isHostError } from './common/errors.ts';
import type { JsonObject } from './common/json.ts';
import { createLogger, type RequestLog } from './common/log.ts';
import type { HostConfig } from './config.ts';
import { assertOwnDataFolder } from './configuration/data-folder.ts';
import { errorReply } from './messaging/error-reply.ts';
import { type ClientKind, LOCAL_ONLY_ACTIONS } from './protocol/actions/local-only.ts';
import type { HostEvent, Reply } from './protocol/messages.ts';
import { parseRequest, type RequestHead, readHead } from './protocol/parse-request.ts';
import { HostServices } from './services.ts';

/** What a client's connection gives with each message. */
export interface MessageContext {
  readonly client: ClientKind;
  readonly signal: AbortSignal;
  emit(event: HostEvent): void;
}

/** Requests that took at least this long are logged, milliseconds: those that polls and look-ups do not drown. */
const SLOW_REQUEST_MS = 250;

/**
 * The host: a message in, a reply out. It owns the parts (cache, hub, catalog, hardware, engine) and nothing else; two
 * of them side by side share nothing but what is on the disk.
 */
export class Host {
  readonly log: RequestLog;
  readonly #parts: HostServices;
  readonly #listeners = new Set<(event: HostEvent) => void>();
  #requests = 0;

  /** @throws HostError `UNSAFE_FOLDER` where others can write to the data folder, or have made it. */
  constructor(config: HostConfig) {
    assertOwnDataFolder(config.paths);
    this.log = createLogger({ file: config.paths.logFile, debug: config.debug });
    this.#parts = new HostServices(config, this.log, (event) => {
      for (const listener of this.#listeners) listener(event);
    });
  }

  /** Hears of what happens that no request asked for. */
  onEvent(listener: (event: HostEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Answers one message. Never rejects: every fault becomes an error reply, here and nowhere else. */
  async handle(message: JsonObject, context: MessageContext): Promise<Reply> {
    const head = readHead(message);
    // The client's own id need not be there, nor differ from another client's.
    this.#requests += 1;
    return this.log.within({ request: this.#requests, ...head }, () => this.#answer(message, head, context));
  }

  async #answer(message: JsonObject, head: RequestHead, context: MessageContext): Promise<Reply> {
    const begun = performance.now();
    const { requestId } = head;
    const call: Call = {
      services: this.#parts,
      requestId,
      client: context.client,
      signal: context.signal,
      emit: (type, payload) => {
        // The type and payload belong together by the signature of `emit`; the union cannot express the pairing.
        context.emit({ type, payload, ...defined({ requestId }) } as HostEvent);
      },
    };
    try {
      const request = await parseRequest(message);
      if (context.client === 'browser' && LOCAL_ONLY_ACTIONS.includes(request.action)) throw localOnly(request.action);
      const result = await dispatch(request, call);
      const { payload, message: words, topLevel } = result;
      const ms = Math.round(performance.now() - begun);
      if (ms >= SLOW_REQUEST_MS) this.log.info('request.done', { ms });
      return { ...topLevel, status: 'success', ...defined({ message: words }), payload, ...head };
    } catch (error) {
      if (!isHostError(error)) this.log.error('request.fault', { error });
      else this.log.info('request.refused', { code: error.code, cause: error.cause });
      return errorReply(error, head);
    }
  }

  /** Stops downloads (their chunks stay), ends every runner, closes the database. */
  async close(): Promise<void> {
    await this.#parts.close();
  }
}

function localOnly(action: string): HostError {
  return new HostError('LOCAL_ONLY', `${action} is available only on the command line. Run: tabagent call ${action}`, {
    details: { action },
  });
}
