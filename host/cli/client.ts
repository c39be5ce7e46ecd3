import { HostError } from '../common/errors.ts';
import type { JsonObject } from '../common/json.ts';
import type { Host } from '../host.ts';
import type { ActionName, HostEvent, PayloadOf, Reply, SuccessReply } from '../protocol/messages.ts';
import { nameOf } from '../protocol/model-address.ts';

/** Options of a request. */
export interface RequestOptions {
  readonly onEvent?: (event: HostEvent) => void;
  /** Aborts this request, in addition to the signal of the command. */
  readonly signal?: AbortSignal;
  readonly requestId?: string;
}

/** The host as commands use it: the same requests and replies that a browser exchanges with it, without frames. */
export class Client {
  readonly #openHost: () => Host;
  readonly #signal: AbortSignal;
  #host: Host | undefined;

  /** @param openHost Creates the host for the first request. */
  constructor(openHost: () => Host, signal: AbortSignal) {
    this.#openHost = openHost;
    this.#signal = signal;
  }

  /** Sends a request. Throws a `HostError` for an error reply. */
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
    // The host replies to an action with its payload, which its tests check against the schemas.
    return reply as SuccessReply<PayloadOf<A>>;
  }

  /** Sends a message and returns the reply, without changing either. */
  async send(message: JsonObject, { onEvent, signal, requestId }: RequestOptions = {}): Promise<Reply> {
    this.#host ??= this.#openHost();
    return this.#host.handle(requestId === undefined ? message : { ...message, requestId }, {
      client: 'local',
      signal: signal === undefined ? this.#signal : AbortSignal.any([this.#signal, signal]),
      emit: (event) => onEvent?.(event),
    });
  }

  /** Returns the model name that a typed or pasted address stands for; an invalid one is returned unchanged. */
  plainName(typed: string): string {
    this.#host ??= this.#openHost();
    return nameOf(typed, this.#host.hubEndpoint) ?? typed;
  }

  /** Returns all items of a list that the host sends in pages. */
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

  /** Lets other hosts of the user load models in this one. */
  async stay(): Promise<void> {
    this.#host ??= this.#openHost();
    await this.#host.stay();
  }

  async close(): Promise<void> {
    // If the host could not be created, the request that needed it has failed.
    await this.#host?.close();
  }
}

/** Removes undefined fields, which JSON does not have. */
export function withoutGaps(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
