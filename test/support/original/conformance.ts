import type { Message } from '../host/host-process.ts';

/** An action of the original host, with the fields that its clients sent and read. */
export interface OriginalAction {
  /** The name, as the original's clients spell it. */
  readonly action: string;
  /** Request fields that the original accepted. */
  readonly requestFields: readonly string[];
  /** Reply fields that its clients read, as paths. */
  readonly replyFields: readonly string[];
  /** The fields of an example request. */
  readonly example?: Message;
  /** The error code that this host replies to the example, if any. */
  readonly code?: string;
  /** How this host differs, and why. */
  readonly differs?: string;
}

/** The model in the examples, which the test hub serves. */
export const REPO = 'maker/story-GGUF';
export const FILE = 'story.gguf';
const MODEL = `${REPO}/${FILE}`;

const CONVERSATIONS =
  'The original had these actions only over HTTP. Fields have the same names and types; lists are paginated.';

/** All actions of the original, in an order in which each succeeds. */
export const ORIGINAL_ACTIONS: readonly OriginalAction[] = [
  { action: 'ping', requestFields: [], replyFields: ['status', 'response', 'version', 'pid'] },
  {
    action: 'get_system_info',
    requestFields: ['verbose'],
    replyFields: [
      'os_version',
      'processor',
      'physical_memory',
      'devices.cpu',
      'devices.nvidia_dgpu',
      'devices.amd_dgpu',
      'devices.intel_gpu',
    ],
  },
  {
    action: 'execute_command',
    requestFields: ['command'],
    replyFields: ['status', 'message'],
    example: { command: 'echo Hello from native host' },
    code: 'COMMAND_NOT_ALLOWED',
    differs:
      'The original ran any command if its list was empty. This host runs only listed commands, without a shell.',
  },
  {
    action: 'pull_model',
    requestFields: ['model_name', 'model'],
    replyFields: ['status', 'message', 'model'],
    example: { model_name: MODEL },
    differs: 'The message is that of `DOWNLOAD_MODEL`.',
  },
  {
    action: 'load_model',
    requestFields: ['modelPath', 'isBitNet', 'dtype', 'task'],
    replyFields: ['payload.isReady', 'payload.modelPath'],
    example: { modelPath: MODEL, isBitNet: false, settings: { n_gpu_layers: 0, n_ctx: 128, n_threads: 1 } },
    differs: '`isBitNet`, `dtype` and `task` are ignored: the host reads them from the file.',
  },
  {
    action: 'get_model_state',
    requestFields: ['modelPath'],
    replyFields: ['payload.isReady', 'payload.backend', 'payload.modelPath'],
  },
  {
    action: 'generate',
    requestFields: ['messages', 'settings', 'chat_id'],
    replyFields: ['status', 'text', 'payload.output', 'payload.generatedText', 'payload.tps', 'payload.numTokens'],
    example: { messages: [{ role: 'user', content: 'once' }], settings: { max_new_tokens: 4, do_sample: false } },
    differs:
      '`tps` is a number, not a string. Without a `chat_id` nothing is saved; the original saved it under `default`.',
  },
  { action: 'stop_generation', requestFields: [], replyFields: ['status', 'message', 'stopped_backends'] },
  {
    action: 'update_settings',
    requestFields: ['settings'],
    replyFields: ['settings.temperature', 'settings.top_p', 'settings.top_k'],
    example: { settings: { temperature: 0.7, top_k: 40, top_p: 0.9 } },
    differs: 'Settings are saved, and no model needs to be loaded.',
  },
  {
    action: 'get_params',
    requestFields: [],
    replyFields: ['temperature', 'top_p', 'top_k', 'max_new_tokens', 'repetition_penalty', 'do_sample'].map(
      (name) => `params.${name}`,
    ),
  },
  {
    action: 'set_params',
    requestFields: ['params'],
    replyFields: ['message', 'params.top_k'],
    example: { params: { top_k: 50 } },
  },
  {
    action: 'generate_embeddings',
    requestFields: ['texts', 'model'],
    replyFields: ['embeddings', 'model', 'total_tokens'],
    example: { texts: ['once upon', 'a small model'] },
    differs: 'Tokens are counted, not estimated. If the embeddings do not fit in a reply, they are paginated.',
  },
  {
    action: 'rerank_documents',
    requestFields: ['query', 'documents', 'top_k'],
    replyFields: ['status', 'message'],
    example: { query: 'once upon', documents: ['a time', 'a small model'] },
    code: 'MODEL_NOT_CAPABLE',
    differs: 'Requires a reranker. Use `semantic_search` with an embedding model.',
  },
  {
    action: 'compute_similarity',
    requestFields: ['text1', 'text2'],
    replyFields: ['payload.similarity'],
    example: { text1: 'once upon', text2: 'a time' },
    differs: 'The original had this action only over HTTP.',
  },
  {
    action: 'semantic_search',
    requestFields: ['query', 'documents', 'k'],
    replyFields: ['payload.results'],
    example: { query: 'once upon', documents: ['a time', 'a small model'] },
  },
  {
    action: 'cluster_texts',
    requestFields: ['texts', 'n_clusters'],
    replyFields: ['payload.labels', 'payload.n_clusters'],
    example: { texts: ['once upon', 'a time', 'a small model'], n_clusters: 2 },
  },
  {
    action: 'recommend_items',
    requestFields: ['items', 'query_item_index', 'k'],
    replyFields: ['payload.recommendations'],
    example: { items: ['once upon', 'a time', 'a small model'], query_item_index: 0 },
  },
  {
    action: 'query_resources',
    requestFields: [],
    replyFields: ['resources', 'allocations', 'loaded_models_count', 'by_backend'],
  },
  {
    action: 'estimate_model_size',
    requestFields: ['model_path'],
    replyFields: ['estimate.total_size_mb', 'estimate.layer_count', 'available', 'can_load', 'options'],
    example: { model_path: MODEL },
    differs:
      'Takes a model, which need not be downloaded, instead of a path. The estimate includes the context and compute buffers.',
  },
  {
    action: 'list_loaded_models',
    requestFields: [],
    replyFields: ['models', 'total', 'active_model_id', 'by_backend'],
  },
  {
    action: 'select_active_model',
    requestFields: ['model_id'],
    replyFields: ['message', 'active_model_id', 'backend'],
    example: { model_id: MODEL },
  },
  { action: 'get_recipes', requestFields: [], replyFields: ['recipes', 'total'] },
  {
    action: 'get_registered_models',
    requestFields: [],
    replyFields: ['payload.models', 'payload.total'],
    differs:
      'The list is only in `payload`, because a reply cannot hold it twice. Its keys are IDs, since names are not unique.',
  },
  {
    action: 'create_conversation',
    requestFields: ['conversation_id', 'user_id', 'title', 'topic', 'domain'],
    replyFields: ['payload.conversation.id', 'payload.conversation.title'],
    example: { conversation_id: 'talk', title: 'A talk' },
    differs: CONVERSATIONS,
  },
  {
    action: 'add_messages',
    requestFields: ['conversation_id', 'messages'],
    replyFields: ['payload.count'],
    example: { conversation_id: 'talk', messages: [{ message_id: 'm1', role: 'user', content: 'Hello' }] },
    differs: CONVERSATIONS,
  },
  {
    action: 'get_conversation',
    requestFields: ['conversation_id'],
    replyFields: ['payload.conversation', 'payload.messages', 'payload.message_count'],
    example: { conversation_id: 'talk' },
    differs: CONVERSATIONS,
  },
  {
    action: 'list_conversations',
    requestFields: ['user_id', 'limit', 'offset'],
    replyFields: ['payload.conversations', 'payload.total'],
    example: { limit: 10, offset: 0 },
    differs: CONVERSATIONS,
  },
  {
    action: 'search_conversations',
    requestFields: ['query', 'user_id', 'limit'],
    replyFields: ['payload.query', 'payload.conversations', 'payload.total'],
    example: { query: 'hello' },
    differs: `${CONVERSATIONS} The search also covers messages, and supports semantic search.`,
  },
  {
    action: 'sync_push',
    requestFields: ['conversations', 'messages'],
    replyFields: ['payload.conversations.synced', 'payload.messages.synced', 'payload.total_synced'],
    example: {
      conversations: [{ id: 'far', title: 'Far', updated_at: 2 }],
      messages: [{ id: 'm2', conversation_id: 'far', role: 'user', content: 'Hi', updated_at: 2 }],
    },
    differs: CONVERSATIONS,
  },
  {
    action: 'sync_pull',
    requestFields: ['user_id', 'since'],
    replyFields: ['payload.conversations', 'payload.messages', 'payload.counts'],
    example: { since: 0 },
    differs: CONVERSATIONS,
  },
  { action: 'get_hf_token_status', requestFields: [], replyFields: ['status', 'has_token'] },
  {
    action: 'set_hf_token',
    requestFields: ['token'],
    replyFields: ['status', 'message'],
    example: { token: 'hf_example' },
  },
  { action: 'clear_hf_token', requestFields: [], replyFields: ['status', 'message'] },
  {
    action: 'check_lmstudio',
    requestFields: [],
    replyFields: ['payload.installed', 'payload.bootstrapped', 'payload.server_running'],
  },
  {
    action: 'start_lmstudio',
    requestFields: [],
    replyFields: ['message', 'payload.server_running', 'payload.api_endpoint'],
    differs: 'An `lms` that other users could have replaced is not run.',
  },
  {
    action: 'lmstudio_status',
    requestFields: [],
    replyFields: ['payload.server_running', 'payload.api_endpoint', 'payload.current_model'],
  },
  {
    action: 'stop_lmstudio',
    requestFields: [],
    replyFields: ['status', 'message'],
    differs: 'Succeeds if the server is not running.',
  },
  {
    action: 'unload_model',
    requestFields: ['modelId'],
    replyFields: ['status', 'message'],
    example: { modelId: MODEL },
    differs: 'A model must be named, since several can be loaded. A model that is not loaded is an error.',
  },
  {
    action: 'delete_model',
    requestFields: ['model_name', 'model'],
    replyFields: ['status', 'payload.repoId'],
    example: { model_name: MODEL },
    differs: 'Fails while the model is loaded in this or another host.',
  },
];
