import type * as v from 'valibot';
import type { ActionDeclaration, TopLevel } from '../protocol/define.ts';
import type { EventPayloads, EventType, RequestId } from '../protocol/messages.ts';
import type { Services } from '../services.ts';

/**
 * Who sends a request. `browser`: TabAgent's extension, over the port its browser opened. `otherExtension`: one that
 * `allowedExtensions` names. `local`: the user of this computer, by the command `tabagent` or another program.
 */
export type ClientKind = 'browser' | 'otherExtension' | 'local';

/** What a handler gets besides the fields of the request. `E` are the events it may emit. */
export interface Call<E extends EventType = never> {
  readonly services: Services;
  /** Who sent the request. */
  readonly client: ClientKind;
  /** The request's id, by which another request can refer to it. */
  readonly requestId?: RequestId | undefined;
  /** Aborted when the client disconnects or the host shuts down; its reason is the error to throw. */
  readonly signal: AbortSignal;
  /** Sends an event of this request to the client. */
  emit<T extends E>(type: T, payload: EventPayloads[T]): void;
}

/** What a handler returns. */
export type ActionResult<P, T extends TopLevel = undefined> = {
  readonly payload: P;
  readonly message?: string;
} & (T extends Exclude<TopLevel, string | undefined>
  ? { readonly topLevel: v.InferOutput<T> }
  : { readonly topLevel?: never });

/** A handler whose request and response are not known statically. */
export interface Handler {
  readonly declaration: ActionDeclaration;
  run(fields: unknown, call: Call<EventType>): Promise<{ payload: object; message?: string; topLevel?: object }>;
}

/** A handler of the action `D`: a function from a validated request to a result. It throws a `HostError` on failure. */
export interface HandlerOf<D extends ActionDeclaration> {
  readonly declaration: D;
  run(
    request: v.InferOutput<D['request']>,
    call: Call<D['events'][number]['type'] & EventType>,
  ): Promise<ActionResult<v.InferOutput<D['response']>, D['topLevel']>>;
}

/** Makes the handler of a declared action. */
export function handle<D extends ActionDeclaration>(declaration: D, run: NoInfer<HandlerOf<D>['run']>): HandlerOf<D> {
  return { declaration, run };
}
