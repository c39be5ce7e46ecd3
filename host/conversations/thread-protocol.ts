import type { LogFields } from '../common/log.ts';
import type { Conversations } from './conversations.ts';
import type { MessageVectors } from './message-vectors.ts';

/** The data with which the thread of the conversations is started. */
export interface ThreadData {
  /** The database. */
  readonly file: string;
}

/** The methods of {@link Conversations} that the host calls in the thread. */
export const METHODS = [
  'takeRecovery',
  'create',
  'get',
  'modelOf',
  'messages',
  'list',
  'search',
  'addMessages',
  'deleteMessages',
  'update',
  'startTurn',
  'saveAnswer',
  'finishAnswer',
  'otherWriters',
  'endWriter',
  'delete',
  'restore',
  'push',
  'pull',
  'export',
] as const satisfies readonly (keyof Conversations)[];

/** The methods of {@link MessageVectors} that the host calls in the thread. */
export const VECTOR_METHODS = [
  'start',
  'withoutVector',
  'waiting',
  'store',
  'nearest',
] as const satisfies readonly (keyof MessageVectors)[];

/** A call of a method of {@link Conversations} or, if it names a model, of that model's {@link MessageVectors}. */
export interface ThreadCall {
  readonly id: number;
  readonly method: (typeof METHODS)[number] | (typeof VECTOR_METHODS)[number];
  readonly model?: string | undefined;
  readonly args: readonly unknown[];
}

/** A message to the thread: a call, or a request to exit. */
export type ToThread = ThreadCall | 'close';

/** An error in a message between threads. A `HostError` has a code. */
export interface ThreadError {
  readonly code?: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** Text for the log. */
  readonly cause?: string;
}

/** A message from the thread: the result of a call, or a line for the log. */
export type FromThread =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ThreadError }
  | { readonly level: 'info' | 'warn' | 'error'; readonly event: string; readonly fields: LogFields };

/** The methods `K` of `T`, called from another thread. */
export type Remote<T, K extends keyof T> = {
  readonly [M in K]: T[M] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};
