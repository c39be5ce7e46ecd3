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
import * as resources from './resources.ts';
import * as system from './system.ts';
import * as token from './token.ts';
import * as care from './verification.ts';

/**
 * The table of actions: every name a request may carry, with the schema its fields must pass. Names are matched in
 * upper case, so `load_model` is `LOAD_MODEL`.
 *
 * Making some eighty schemas takes longer than the rest of a start: the host loads this with the first request that
 * needs it. See `parse-request.ts`.
 */
export const REQUEST_SCHEMAS = {
  PING: system.PingRequest,
  GET_SYSTEM_INFO: system.GetSystemInfoRequest,
  GET_SYSTEM_RESOURCES: system.GetSystemResourcesRequest,
  GET_MEMORY_USAGE: system.GetMemoryUsageRequest,

  DOWNLOAD_MODEL: downloads.DownloadModelRequest,
  PULL_MODEL: downloads.DownloadModelRequest,
  GET_DOWNLOAD_STATUS: downloads.GetDownloadStatusRequest,
  GET_ACTIVE_DOWNLOADS: downloads.GetActiveDownloadsRequest,
  CANCEL_DOWNLOAD: downloads.ControlDownloadRequest,
  PAUSE_DOWNLOAD: downloads.ControlDownloadRequest,
  RESUME_DOWNLOAD: downloads.ControlDownloadRequest,
  DELETE_MODEL: downloads.DeleteModelRequest,

  VERIFY_MODEL: care.VerifyModelRequest,
  REPAIR_MODEL: care.RepairModelRequest,
  CANCEL_VERIFY: care.CancelVerifyRequest,
  GET_CACHE_STATS: keeping.GetCacheStatsRequest,
  PRUNE_CACHE: keeping.PruneCacheRequest,
  PIN_MODEL: keeping.PinModelRequest,
  UNPIN_MODEL: keeping.PinModelRequest,
  MOVE_CACHE: moving.MoveCacheRequest,

  LOAD_MODEL: models.LoadModelRequest,
  UNLOAD_MODEL: models.UnloadModelRequest,
  UNLOAD_ALL_MODELS: models.UnloadAllModelsRequest,
  LIST_HOSTS: models.ListHostsRequest,
  GET_LOADED_MODELS: models.GetLoadedModelsRequest,
  GET_MODEL_STATE: models.GetModelStateRequest,
  GET_CURRENT_MODEL: models.GetCurrentModelRequest,
  SET_ACTIVE_MODEL: models.SetActiveModelRequest,
  RECOMMEND_SPLIT: models.RecommendSplitRequest,

  GET_AVAILABLE_MODELS: catalog.GetAvailableModelsRequest,
  GET_DOWNLOADED_MODELS: catalog.GetDownloadedModelsRequest,
  GET_MODELS_BY_TYPE: catalog.GetModelsByTypeRequest,
  GET_DEFAULT_MODEL: catalog.GetDefaultModelRequest,
  ADD_MODEL_TO_LIST: catalog.AddModelToListRequest,
  LIST_REPO_FILES: repos.ListRepoFilesRequest,
  SEARCH_MODELS: repos.SearchModelsRequest,
  SCAN_LOCAL_MODELS: local.ScanLocalModelsRequest,
  IMPORT_MODEL: local.ImportModelRequest,

  GENERATE: generation.GenerateRequest,
  STOP_GENERATION: generation.StopGenerationRequest,
  GENERATE_EMBEDDINGS: embeddings.GenerateEmbeddingsRequest,
  COMPUTE_SIMILARITY: embeddings.ComputeSimilarityRequest,
  RERANK_DOCUMENTS: embeddings.RerankDocumentsRequest,
  SEMANTIC_SEARCH: embeddings.SemanticSearchRequest,
  CLUSTER_TEXTS: embeddings.ClusterTextsRequest,
  RECOMMEND_ITEMS: embeddings.RecommendItemsRequest,
  UPDATE_SETTINGS: generation.UpdateSettingsRequest,
  GET_PARAMS: generation.GetParamsRequest,
  SET_PARAMS: generation.SetParamsRequest,

  CREATE_CONVERSATION: conversations.CreateConversationRequest,
  GET_CONVERSATION: conversations.GetConversationRequest,
  LIST_CONVERSATIONS: conversations.ListConversationsRequest,
  SEARCH_CONVERSATIONS: conversations.SearchConversationsRequest,
  ADD_MESSAGES: conversations.AddMessagesRequest,
  DELETE_CONVERSATION: conversations.DeleteConversationRequest,
  SYNC_PUSH: conversations.SyncPushRequest,
  SYNC_PULL: conversations.SyncPullRequest,
  EXPORT_CONVERSATIONS: conversations.ExportConversationsRequest,
  IMPORT_CONVERSATIONS: conversations.ImportConversationsRequest,

  QUERY_RESOURCES: resources.QueryResourcesRequest,
  ESTIMATE_MODEL_SIZE: resources.EstimateModelSizeRequest,
  LIST_LOADED_MODELS: resources.ListLoadedModelsRequest,
  SELECT_ACTIVE_MODEL: resources.SelectActiveModelRequest,
  GET_RECIPES: resources.GetRecipesRequest,
  GET_REGISTERED_MODELS: resources.GetRegisteredModelsRequest,
  SET_HF_TOKEN: token.SetHfTokenRequest,
  GET_HF_TOKEN_STATUS: token.GetHfTokenStatusRequest,
  CLEAR_HF_TOKEN: token.ClearHfTokenRequest,
  CHECK_LMSTUDIO: lmstudio.CheckLmStudioRequest,
  START_LMSTUDIO: lmstudio.StartLmStudioRequest,
  STOP_LMSTUDIO: lmstudio.StopLmStudioRequest,
  LMSTUDIO_STATUS: lmstudio.LmStudioStatusRequest,
  LIST_REMOTE_ENGINES: remote.ListRemoteEnginesRequest,
  SET_REMOTE_KEY: remote.SetRemoteKeyRequest,
  CLEAR_REMOTE_KEY: remote.ClearRemoteKeyRequest,
  EXECUTE_COMMAND: command.ExecuteCommandRequest,
} as const;

/** The name of an action this host answers. */
export type ActionName = keyof typeof REQUEST_SCHEMAS;
