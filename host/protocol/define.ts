import * as v from 'valibot';
import type { ErrorCode } from './errors.ts';
import type { Schema } from './fields.ts';

/** An event: everything a client needs to know about it. */
export interface EventDeclaration<T extends string = string, P extends Schema = Schema> {
  readonly type: T;
  /** One sentence. */
  readonly summary: string;
  readonly payload: P;
  /**
   * Fields by which events replace each other while the client reads more slowly than they are emitted: of the events of
   * one request that agree in these fields, only the newest waits. Absent: every event is delivered.
   */
  readonly coalescedBy?: readonly string[];
}

/** An action: everything a client needs to know about it. */
export interface ActionDeclaration<
  N extends string = string,
  Q extends Schema = Schema,
  P extends Schema = Schema,
  E extends EventDeclaration = EventDeclaration,
  T extends TopLevel = TopLevel,
> {
  readonly name: N;
  /** One sentence, or two. */
  readonly summary: string;
  readonly request: Q;
  /** The `payload` of a success reply. */
  readonly response: P;
  /** Events that carry the id of the request. */
  readonly events: readonly E[];
  /** Error codes beside {@link COMMON_ERRORS}. */
  readonly errors: readonly ErrorCode[];
  /** Whether browsers are refused (`LOCAL_ONLY`). */
  readonly localOnly: boolean;
  /** Whether extensions other than TabAgent's are refused (`LOCAL_ONLY`). */
  readonly ownExtensionOnly: boolean;
  /** What the original put beside `payload`, at the top level of the reply: all of the payload, or these fields. */
  readonly topLevel: T;
}

/** See {@link ActionDeclaration.topLevel}. */
export type TopLevel = 'payload' | v.ObjectSchema<v.ObjectEntries, undefined> | undefined;

/** Declares an event. */
export function defineEvent<const T extends string, const P extends v.ObjectEntries>(options: {
  type: T;
  summary: string;
  payload: P;
  coalescedBy?: readonly (keyof P & string)[];
}): EventDeclaration<T, v.ObjectSchema<P, undefined>> {
  return { ...options, payload: v.object(options.payload) };
}

/** Declares an action. Its handler is made by `handle` in `host/actions/action.ts`. */
export function defineAction<
  const N extends string,
  const Q extends v.ObjectEntries,
  const P extends Schema,
  const E extends EventDeclaration = never,
  const T extends TopLevel = undefined,
>(options: {
  name: N;
  summary: string;
  request: Q;
  response: P;
  events?: readonly E[];
  errors?: readonly ErrorCode[];
  localOnly?: boolean;
  ownExtensionOnly?: boolean;
  topLevel?: T;
}): ActionDeclaration<N, v.LooseObjectSchema<Q, undefined>, P, E, T> {
  const { events = [], errors = [], localOnly = false, ownExtensionOnly = false, topLevel } = options;
  // Clients of the original send fields this host does not know: they are ignored.
  const request = v.looseObject(options.request);
  return { ...options, request, events, errors, localOnly, ownExtensionOnly, topLevel: topLevel as T };
}
