import * as keeping from './cache.ts';
import * as catalog from './catalog.ts';
import * as command from './command.ts';
import * as conversations from './conversations.ts';
import * as downloads from './downloads.ts';
import * as embeddings from './embeddings.ts';
import * as local from './external.ts';
import * as generation from './generation.ts';
import * as lmstudio from './lmstudio.ts';
import * as models from './models.ts';
import * as moving from './relocate-cache.ts';
import * as remote from './remote.ts';
import * as repos from './repos.ts';
import type { ActionName } from './requests.ts';
import * as resources from './resources.ts';
import * as system from './system.ts';
import * as token from './token.ts';
import * as care from './verification.ts';

/** What a success reply carries under `payload`, per action. The host does not check its own replies; tests do. */
export const PAYLOAD_SCHEMAS = {
  PING: system.PingPayload,
  GET_SYSTEM_INFO: system.SystemInfo,
  GET_SYSTEM_RESOURCES: system.SystemResourcesPayload,
  GET_MEMORY_USAGE: system.MemoryUsagePayload,

  DOWNLOAD_MODEL: downloads.DownloadModelPayload,
  PULL_MODEL: downloads.DownloadModelPayload,
  GET_DOWNLOAD_STATUS: downloads.DownloadStatusEntry,
  GET_ACTIVE_DOWNLOADS: downloads.GetActiveDownloadsPayload,
  CANCEL_DOWNLOAD: downloads.DownloadStatusEntry,
  PAUSE_DOWNLOAD: downloads.DownloadStatusEntry,
  RESUME_DOWNLOAD: downloads.DownloadStatusEntry,
  DELETE_MODEL: downloads.DeleteModelPayload,

  VERIFY_MODEL: care.VerifyModelPayload,
  REPAIR_MODEL: care.VerifyModelPayload,
  CANCEL_VERIFY: care.CancelVerifyPayload,
  GET_CACHE_STATS: keeping.GetCacheStatsPayload,
  PRUNE_CACHE: keeping.PruneCachePayload,
  PIN_MODEL: keeping.PinModelPayload,
  UNPIN_MODEL: keeping.PinModelPayload,
  MOVE_CACHE: moving.MoveCachePayload,

  LOAD_MODEL: models.LoadModelPayload,
  UNLOAD_MODEL: models.UnloadModelPayload,
  UNLOAD_ALL_MODELS: models.UnloadAllModelsPayload,
  LIST_HOSTS: models.ListHostsPayload,
  GET_LOADED_MODELS: models.GetLoadedModelsPayload,
  GET_MODEL_STATE: models.GetModelStatePayload,
  GET_CURRENT_MODEL: models.GetCurrentModelPayload,
  SET_ACTIVE_MODEL: models.SetActiveModelPayload,
  RECOMMEND_SPLIT: models.RecommendSplitPayload,

  GET_AVAILABLE_MODELS: catalog.GetAvailableModelsPayload,
  GET_DOWNLOADED_MODELS: catalog.GetDownloadedModelsPayload,
  GET_MODELS_BY_TYPE: catalog.GetModelsByTypePayload,
  GET_DEFAULT_MODEL: catalog.GetDefaultModelPayload,
  ADD_MODEL_TO_LIST: catalog.AddModelToListPayload,
  LIST_REPO_FILES: repos.ListRepoFilesPayload,
  SEARCH_MODELS: repos.SearchModelsPayload,
  SCAN_LOCAL_MODELS: local.ScanLocalModelsPayload,
  IMPORT_MODEL: local.ImportModelPayload,

  GENERATE: generation.GeneratePayload,
  STOP_GENERATION: generation.StopGenerationPayload,
  GENERATE_EMBEDDINGS: embeddings.GenerateEmbeddingsPayload,
  COMPUTE_SIMILARITY: embeddings.ComputeSimilarityPayload,
  RERANK_DOCUMENTS: embeddings.RerankDocumentsPayload,
  SEMANTIC_SEARCH: embeddings.SemanticSearchPayload,
  CLUSTER_TEXTS: embeddings.ClusterTextsPayload,
  RECOMMEND_ITEMS: embeddings.RecommendItemsPayload,
  UPDATE_SETTINGS: generation.UpdateSettingsPayload,
  GET_PARAMS: generation.GetParamsPayload,
  SET_PARAMS: generation.SetParamsPayload,

  CREATE_CONVERSATION: conversations.CreateConversationPayload,
  GET_CONVERSATION: conversations.GetConversationPayload,
  LIST_CONVERSATIONS: conversations.ListConversationsPayload,
  SEARCH_CONVERSATIONS: conversations.SearchConversationsPayload,
  ADD_MESSAGES: conversations.AddMessagesPayload,
  DELETE_CONVERSATION: conversations.DeleteConversationPayload,
  SYNC_PUSH: conversations.SyncPushPayload,
  SYNC_PULL: conversations.SyncPullPayload,
  EXPORT_CONVERSATIONS: conversations.ExportConversationsPayload,
  IMPORT_CONVERSATIONS: conversations.ImportConversationsPayload,

  QUERY_RESOURCES: resources.QueryResourcesPayload,
  ESTIMATE_MODEL_SIZE: resources.EstimateModelSizePayload,
  LIST_LOADED_MODELS: resources.ListLoadedModelsPayload,
  SELECT_ACTIVE_MODEL: resources.SelectActiveModelPayload,
  GET_RECIPES: resources.GetRecipesPayload,
  GET_REGISTERED_MODELS: resources.GetRegisteredModelsPayload,
  SET_HF_TOKEN: token.SetHfTokenPayload,
  GET_HF_TOKEN_STATUS: token.GetHfTokenStatusPayload,
  CLEAR_HF_TOKEN: token.ClearHfTokenPayload,
  CHECK_LMSTUDIO: lmstudio.CheckLmStudioPayload,
  START_LMSTUDIO: lmstudio.StartLmStudioPayload,
  STOP_LMSTUDIO: lmstudio.StopLmStudioPayload,
  LMSTUDIO_STATUS: lmstudio.LmStudioStatusPayload,
  LIST_REMOTE_ENGINES: remote.ListRemoteEnginesPayload,
  SET_REMOTE_KEY: remote.SetRemoteKeyPayload,
  CLEAR_REMOTE_KEY: remote.ClearRemoteKeyPayload,
  EXECUTE_COMMAND: command.ExecuteCommandPayload,
} as const satisfies Record<ActionName, unknown>;
