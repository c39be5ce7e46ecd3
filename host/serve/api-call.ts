import type { JsonObject } from '../common/json.ts';
import type { HostClient } from './host-client.ts';
import type { Models } from './models.ts';

/** A request to the API, after all checks of its caller. */
export interface ApiCall {
  readonly body: JsonObject;
  readonly client: HostClient;
  readonly models: Models;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  abort(): void;
}

/** Answers a request. Throws an `ApiError` or a `HostError`. */
export type ApiHandler = (call: ApiCall) => Promise<Response>;

/** Unix seconds now. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}
