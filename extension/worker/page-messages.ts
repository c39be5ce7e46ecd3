import type { ActionName } from '../../host/protocol/actions/requests.ts';
import type { HostEvent } from '../../host/protocol/messages.ts';
import type { RequestError } from '../host-connection.ts';
import type { HostState } from './host-state.ts';

/** The name pages open their port to the worker by. */
export const PAGE_PORT = 'page';

/** What a page says to the worker. */
export type FromPage =
  | { readonly kind: 'request'; readonly id: number; readonly action: ActionName; readonly fields: object }
  /** Stop the generation that request `id` of this page asked for. */
  | { readonly kind: 'stop'; readonly id: number }
  /** Try the host again, now. */
  | { readonly kind: 'retry' };

/** What the worker says to a page. */
export type ToPage =
  | { readonly kind: 'state'; readonly state: HostState }
  | { readonly kind: 'reply'; readonly id: number; readonly payload: unknown }
  | {
      readonly kind: 'error';
      readonly id: number;
      readonly code: RequestError['code'];
      readonly message: string;
      readonly details?: Readonly<Record<string, unknown>>;
    }
  /** An event of the host; with `id` when it belongs to a request of this page. */
  | { readonly kind: 'event'; readonly event: HostEvent; readonly id?: number }
  /** An action of any page has changed what the host would answer now. */
  | { readonly kind: 'changed'; readonly action: ActionName };

/** Actions after which every open page asks the host again. */
export const CHANGING_ACTIONS: ReadonlySet<ActionName> = new Set([
  'DOWNLOAD_MODEL',
  'CANCEL_DOWNLOAD',
  'PAUSE_DOWNLOAD',
  'RESUME_DOWNLOAD',
  'DELETE_MODEL',
  'LOAD_MODEL',
  'UNLOAD_MODEL',
  'UNLOAD_ALL_MODELS',
  'SET_ACTIVE_MODEL',
  'ADD_MODEL_TO_LIST',
  'SET_PARAMS',
] satisfies ActionName[]);

/** Reads what came over a page's port; undefined when it is nothing a page of ours says. */
export function readFromPage(message: unknown): FromPage | undefined {
  if (typeof message !== 'object' || message === null || !('kind' in message)) return undefined;
  if (message.kind === 'retry') return { kind: 'retry' };
  if (!('id' in message) || typeof message.id !== 'number') return undefined;
  if (message.kind === 'stop') return { kind: 'stop', id: message.id };
  if (message.kind !== 'request' || !('action' in message) || typeof message.action !== 'string') return undefined;
  const fields = 'fields' in message && typeof message.fields === 'object' ? message.fields : null;
  // The host knows its actions, and answers any other with UNKNOWN_ACTION.
  return { kind: 'request', id: message.id, action: message.action as ActionName, fields: fields ?? {} };
}
