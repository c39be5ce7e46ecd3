import type { LogFields } from '../common/log.ts';
import type { Conversations } from './conversations.ts';
import type { MessageVectors } from './message-vectors.ts';

/** What the thread of the conversations is started with. */
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

/** A call of a method; of the vectors of a model where one is named. */
export interface ThreadCall {
  readonly id: number;
  readonly method: (typeof METHODS)[number] | (typeof VECTOR_METHODS)[number];
  readonly model?: string | undefined;
  readonly args: readonly unknown[];
}

/** A message to the thread: a call, or the end, which it answers by exiting. */
export type ToThread = ThreadCall | 'close';

/** An error as it crosses the threads: one that clients know has a code. */
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

/** The same methods, called from another thread. */
export type Remote<T, K extends keyof T> = {
  readonly [M in K]: T[M] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};
