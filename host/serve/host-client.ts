import type { ActionName, HostEvent, PayloadOf, SuccessReply } from '../protocol/messages.ts';

/** Options of a request to the host. */
export interface HostRequestOptions {
  readonly onEvent?: (event: HostEvent) => void;
  readonly signal?: AbortSignal;
}

/** The host as the server uses it: the same requests and replies that a browser exchanges with it, without frames. */
export interface HostClient {
  /** @throws HostError for an error reply. */
  request<A extends ActionName>(
    action: A,
    fields?: Readonly<Record<string, unknown>>,
    options?: HostRequestOptions,
  ): Promise<SuccessReply<PayloadOf<A>>>;
  /** Returns all items of a list that the host sends in pages. @throws HostError. */
  all<A extends ActionName, T>(action: A, itemsOf: (payload: PayloadOf<A>) => readonly T[]): Promise<T[]>;
}
