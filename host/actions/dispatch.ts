import type { ActionName } from '../protocol/actions/requests.ts';
import type { ParsedRequest } from '../protocol/messages.ts';
import type { ActionResult, Actions, Call } from './action.ts';
import * as ping from './ping.ts';

/**
 * Where each action is found. A group's module, and the rooms behind it, load with the first request that needs them;
 * PING is what a browser begins with, and is here.
 */
const GROUPS = {
  PING: async () => ping,
  GET_SYSTEM_INFO: () => import('./system.ts'),
  GET_SYSTEM_RESOURCES: () => import('./system.ts'),
  GET_MEMORY_USAGE: () => import('./system.ts'),

  DOWNLOAD_MODEL: () => import('./downloads.ts'),
  PULL_MODEL: () => import('./downloads.ts'),
  GET_DOWNLOAD_STATUS: () => import('./downloads.ts'),
  GET_ACTIVE_DOWNLOADS: () => import('./downloads.ts'),
  CANCEL_DOWNLOAD: () => import('./downloads.ts'),
  PAUSE_DOWNLOAD: () => import('./downloads.ts'),
  RESUME_DOWNLOAD: () => import('./downloads.ts'),
  DELETE_MODEL: () => import('./downloads.ts'),

  VERIFY_MODEL: () => import('./verification.ts'),
  REPAIR_MODEL: () => import('./verification.ts'),
  CANCEL_VERIFY: () => import('./verification.ts'),
  GET_CACHE_STATS: () => import('./cache.ts'),
  PRUNE_CACHE: () => import('./cache.ts'),
  PIN_MODEL: () => import('./cache.ts'),
  UNPIN_MODEL: () => import('./cache.ts'),
  MOVE_CACHE: () => import('./relocate-cache.ts'),

  LOAD_MODEL: () => import('./load.ts'),
  UNLOAD_MODEL: () => import('./loaded.ts'),
  UNLOAD_ALL_MODELS: () => import('./loaded.ts'),
  LIST_HOSTS: () => import('./hosts.ts'),
  GET_LOADED_MODELS: () => import('./loaded.ts'),
  GET_MODEL_STATE: () => import('./loaded.ts'),
  GET_CURRENT_MODEL: () => import('./loaded.ts'),
  SET_ACTIVE_MODEL: () => import('./loaded.ts'),
  RECOMMEND_SPLIT: () => import('./split.ts'),

  GET_AVAILABLE_MODELS: () => import('./catalog.ts'),
  GET_DOWNLOADED_MODELS: () => import('./catalog.ts'),
  GET_MODELS_BY_TYPE: () => import('./catalog.ts'),
  GET_DEFAULT_MODEL: () => import('./catalog.ts'),
  ADD_MODEL_TO_LIST: () => import('./catalog.ts'),
  LIST_REPO_FILES: () => import('./repos.ts'),
  SEARCH_MODELS: () => import('./repos.ts'),
  SCAN_LOCAL_MODELS: () => import('./external.ts'),
  IMPORT_MODEL: () => import('./external.ts'),

  GENERATE: () => import('./generate.ts'),
  STOP_GENERATION: () => import('./generate.ts'),
  GENERATE_EMBEDDINGS: () => import('./embeddings.ts'),
  COMPUTE_SIMILARITY: () => import('./embeddings.ts'),
  RERANK_DOCUMENTS: () => import('./searching.ts'),
  SEMANTIC_SEARCH: () => import('./searching.ts'),
  CLUSTER_TEXTS: () => import('./clustering.ts'),
  RECOMMEND_ITEMS: () => import('./searching.ts'),
  UPDATE_SETTINGS: () => import('./settings.ts'),
  GET_PARAMS: () => import('./settings.ts'),
  SET_PARAMS: () => import('./settings.ts'),

  CREATE_CONVERSATION: () => import('./conversations.ts'),
  GET_CONVERSATION: () => import('./conversations.ts'),
  LIST_CONVERSATIONS: () => import('./conversations.ts'),
  SEARCH_CONVERSATIONS: () => import('./conversations.ts'),
  ADD_MESSAGES: () => import('./conversations.ts'),
  DELETE_CONVERSATION: () => import('./conversations.ts'),
  SYNC_PUSH: () => import('./conversations.ts'),
  SYNC_PULL: () => import('./conversations.ts'),
  EXPORT_CONVERSATIONS: () => import('./conversations.ts'),
  IMPORT_CONVERSATIONS: () => import('./conversations.ts'),

  QUERY_RESOURCES: () => import('./resources.ts'),
  ESTIMATE_MODEL_SIZE: () => import('./estimate.ts'),
  LIST_LOADED_MODELS: () => import('./resources.ts'),
  SELECT_ACTIVE_MODEL: () => import('./resources.ts'),
  GET_RECIPES: () => import('./recipes.ts'),
  GET_REGISTERED_MODELS: () => import('./recipes.ts'),
  SET_HF_TOKEN: () => import('./token.ts'),
  GET_HF_TOKEN_STATUS: () => import('./token.ts'),
  CLEAR_HF_TOKEN: () => import('./token.ts'),
  CHECK_LMSTUDIO: () => import('./lmstudio.ts'),
  START_LMSTUDIO: () => import('./lmstudio.ts'),
  STOP_LMSTUDIO: () => import('./lmstudio.ts'),
  LMSTUDIO_STATUS: () => import('./lmstudio.ts'),
  LIST_REMOTE_ENGINES: () => import('./remote.ts'),
  SET_REMOTE_KEY: () => import('./remote.ts'),
  CLEAR_REMOTE_KEY: () => import('./remote.ts'),
  EXECUTE_COMMAND: () => import('./command.ts'),
} satisfies { [A in ActionName]: () => Promise<{ actions: Actions<A> }> };

/** Hands a request to its action. */
export async function dispatch(request: ParsedRequest, call: Call): Promise<ActionResult<unknown>> {
  const { actions } = await GROUPS[request.action]();
  // Each name's action takes that name's fields (checked above by `satisfies`); the union cannot express the pairing.
  const action = (actions as Record<string, (fields: unknown, call: Call) => Promise<ActionResult<unknown>>>)[
    request.action
  ];
  if (action === undefined) throw new TypeError(`No action of the name ${request.action} in its group`);
  return action(request.fields, call);
}
