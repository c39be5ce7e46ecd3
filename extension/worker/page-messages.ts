import type { ActionName, HostEvent } from '../../host/protocol/messages.ts';
import type { RequestError } from '../host-connection.ts';
import type { HostState } from './host-state.ts';

/** The name of a page's port to the worker. */
export const PAGE_PORT = 'page';

/** A message of a page to the worker. */
export type FromPage =
  | { readonly kind: 'request'; readonly id: number; readonly action: ActionName; readonly fields: object }
  /** Stop the answer that is being generated in a conversation. */
  | { readonly kind: 'stop'; readonly conversationId: string }
  /** Try to reach the host now. */
  | { readonly kind: 'retry' };

/** A message of the worker to a page. */
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
  /** An event of the host, except of generations outside conversations. */
  | { readonly kind: 'event'; readonly event: HostEvent }
  /** An action of a page may have changed the models that the host reports. */
  | { readonly kind: 'changed'; readonly action: ActionName };

/** Actions after which every open page asks the host again for models. */
export const MODEL_ACTIONS: ReadonlySet<ActionName> = new Set([
  'CHECK_UPDATES',
  'DOWNLOAD_MODEL',
  'CANCEL_DOWNLOAD',
  'PAUSE_DOWNLOAD',
  'RESUME_DOWNLOAD',
  'DELETE_MODEL',
  'REPAIR_MODEL',
  'PRUNE_CACHE',
  'LOAD_MODEL',
  'UNLOAD_MODEL',
  'UNLOAD_ALL_MODELS',
  'SET_ACTIVE_MODEL',
  'ADD_MODEL_TO_LIST',
  'REMOVE_MODEL_FROM_LIST',
  'ADD_REMOTE_ENGINE',
  'REMOVE_REMOTE_ENGINE',
  'SET_REMOTE_KEY',
  'CLEAR_REMOTE_KEY',
] satisfies ActionName[]);

/** Reads a message that arrived on a page's port; returns undefined for anything else than a message of our pages. */
export function readFromPage(message: unknown): FromPage | undefined {
  if (typeof message !== 'object' || message === null || !('kind' in message)) return undefined;
  if (message.kind === 'retry') return { kind: 'retry' };
  if (message.kind === 'stop' && 'conversationId' in message && typeof message.conversationId === 'string') {
    return { kind: 'stop', conversationId: message.conversationId };
  }
  if (message.kind !== 'request' || !('id' in message) || typeof message.id !== 'number') return undefined;
  if (!('action' in message) || typeof message.action !== 'string') return undefined;
  const fields = 'fields' in message && typeof message.fields === 'object' ? message.fields : null;
  // The host answers an unknown action with UNKNOWN_ACTION.
  return { kind: 'request', id: message.id, action: message.action as ActionName, fields: fields ?? {} };
}
