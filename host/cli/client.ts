import { HostError } from '../common/errors.ts';
import type { JsonObject } from '../common/json.ts';
import type { Host } from '../host.ts';
import type { ActionName, HostEvent, PayloadOf, Reply, SuccessReply } from '../protocol/messages.ts';

/** What goes with one request. */
export interface RequestOptions {
  readonly onEvent?: (event: HostEvent) => void;
  /** Beside the command's own: aborts this request. */
  readonly signal?: AbortSignal;
  readonly requestId?: string;
}

/** The host as a command sees it: the same requests and replies that go over a browser's port, without the port. */
export class Client {
  readonly #openHost: () => Host;
  readonly #signal: AbortSignal;
  #host: Host | undefined;

  /** @param openHost Makes the host, with the first request. */
  constructor(openHost: () => Host, signal: AbortSignal) {
    this.#openHost = openHost;
    this.#signal = signal;
  }

  /** Asks, and throws the `HostError` an error reply stands for. */
  async request<A extends ActionName>(
    action: A,
    fields: Readonly<Record<string, unknown>> = {},
    options: RequestOptions = {},
  ): Promise<SuccessReply<PayloadOf<A>>> {
    const reply = await this.send({ ...(withoutGaps(fields) as JsonObject), action }, options);
    if (reply.status === 'error') {
      const { code, message, details } = reply;
      throw new HostError(code, message, { details });
    }
    // The host answers an action with that action's payload: the contract its tests check against the schemas.
    return reply as SuccessReply<PayloadOf<A>>;
  }

  /** Sends a message as it is and gives the reply as it is. */
  async send(message: JsonObject, { onEvent, signal, requestId }: RequestOptions = {}): Promise<Reply> {
    this.#host ??= this.#openHost();
    return this.#host.handle(requestId === undefined ? message : { ...message, requestId }, {
      client: 'local',
      signal: signal === undefined ? this.#signal : AbortSignal.any([this.#signal, signal]),
      emit: (event) => onEvent?.(event),
    });
  }

  /** All of a list that comes in pages. */
  async all<A extends ActionName, T>(
    action: A,
    itemsOf: (payload: PayloadOf<A>) => readonly T[],
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const { payload } = await this.request(action, { ...fields, cursor });
      items.push(...itemsOf(payload));
      cursor = (payload as { nextCursor?: string }).nextCursor;
    } while (cursor !== undefined);
    return items;
  }

  async close(): Promise<void> {
    // A host that could not be made has said so to whoever asked it.
    await this.#host?.close();
  }
}

/** A request's fields are JSON: what is undefined is not there. */
export function withoutGaps(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
