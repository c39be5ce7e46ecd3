import type * as v from 'valibot';
import type { ErrorInfo } from '../common/errors.ts';
import type { Declared, GroupName } from './actions/index.ts';
import type * as events from './events.ts';

/** An id that a client gives a request in order to recognize its reply. */
export type RequestId = string | number;

type AnyAction = { [G in GroupName]: Declared<G>[keyof Declared<G>] }[GroupName];
type ActionsByName = { [D in AnyAction as D['name']]: D };

/** The name of an action. */
export type ActionName = keyof ActionsByName;

/** The fields of a request of action `A`, after validation. */
export type RequestOf<A extends ActionName> = v.InferOutput<ActionsByName[A]['request']>;

/** What a success reply to action `A` has in `payload`. */
export type PayloadOf<A extends ActionName> = v.InferOutput<ActionsByName[A]['response']>;

interface ReplyHead {
  /** As the request spelled it. */
  action?: string;
  requestId?: RequestId;
}

/** The reply to a request that succeeded. Some actions of the original also put fields of the payload at the top level. */
export interface SuccessReply<P = unknown> extends ReplyHead {
  status: 'success';
  message?: string;
  payload: P;
  [topLevel: string]: unknown;
}

/** The reply to a request that failed. */
export interface ErrorReply extends ReplyHead, ErrorInfo {
  status: 'error';
}

export type Reply = SuccessReply | ErrorReply;

type AnyEvent = (typeof events)[keyof typeof events];

/** The payloads of all events by their types. */
export type EventPayloads = { [E in AnyEvent as E['type']]: v.InferOutput<E['payload']> };

export type EventType = keyof EventPayloads;

/** A message that the host sends while it works on a request, or without a request. */
export type HostEvent = {
  [T in EventType]: { type: T; payload: EventPayloads[T]; requestId?: RequestId };
}[EventType];
