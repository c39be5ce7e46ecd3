import type { Message } from '../host/host-process.ts';

/** An action of the original host: what its clients sent, and what they read. */
export interface OriginalAction {
  /** Spelling of the original's clients. */
  readonly action: string;
  /** Fields that the original accepted. */
  readonly took: readonly string[];
  /** Fields that clients read, as paths in the reply. */
  readonly answered: readonly string[];
  /** An example request, without the action. */
  readonly example?: Message;
  /** This host replies with this error code. */
  readonly code?: string;
  /** How this host differs, and why. */
  readonly differs?: string;
}

/** The model of the examples, which the test hub serves. */
export const REPO = 'maker/story-GGUF';
export const FILE = 'story.gguf';
const MODEL = `${REPO}/${FILE}`;

const CONVERSATIONS =
  'The original had these actions over HTTP only. Fields are named and shaped the same; lists have pages.';

/** Every action of the original, ordered so that each finds what it needs. */
export const ORIGINAL_ACTIONS: readonly OriginalAction[] = [
  { action: 'ping', took: [], answered: ['status', 'response', 'version', 'pid'] },
  {
    action: 'get_system_info',
    took: ['verbose'],
    answered: [
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
    took: ['command'],
    answered: ['status', 'message'],
    example: { command: 'echo Hello from native host' },
    code: 'COMMAND_NOT_ALLOWED',
    differs:
      'The original ran any command while its list was empty. This host runs only listed commands, without a shell.',
  },
  {
    action: 'pull_model',
    took: ['model_name', 'model'],
    answered: ['status', 'message', 'model'],
    example: { model_name: MODEL },
    differs: 'The message is that of `DOWNLOAD_MODEL`.',
  },
  {
    action: 'load_model',
    took: ['modelPath', 'isBitNet', 'dtype', 'task'],
    answered: ['payload.isReady', 'payload.modelPath'],
    example: { modelPath: MODEL, isBitNet: false, settings: { n_gpu_layers: 0, n_ctx: 128, n_threads: 1 } },
    differs: '`isBitNet`, `dtype` and `task` are ignored: the host reads them from the file.',
  },
  {
    action: 'get_model_state',
    took: ['modelPath'],
    answered: ['payload.isReady', 'payload.backend', 'payload.modelPath'],
  },
  {
    action: 'generate',
    took: ['messages', 'settings', 'chat_id'],
    answered: ['status', 'text', 'payload.output', 'payload.generatedText', 'payload.tps', 'payload.numTokens'],
    example: { messages: [{ role: 'user', content: 'once' }], settings: { max_new_tokens: 4, do_sample: false } },
    differs:
      '`tps` is a number, not a string. Without a `chat_id` nothing is saved; the original saved it under `default`.',
  },
  { action: 'stop_generation', took: [], answered: ['status', 'message', 'stopped_backends'] },
  {
    action: 'update_settings',
    took: ['settings'],
    answered: ['settings.temperature', 'settings.top_p', 'settings.top_k'],
    example: { settings: { temperature: 0.7, top_k: 40, top_p: 0.9 } },
    differs: 'Settings are saved, and no model needs to be loaded.',
  },
  {
    action: 'get_params',
    took: [],
    answered: ['temperature', 'top_p', 'top_k', 'max_new_tokens', 'repetition_penalty', 'do_sample'].map(
      (name) => `params.${name}`,
    ),
  },
  { action: 'set_params', took: ['params'], answered: ['message', 'params.top_k'], example: { params: { top_k: 50 } } },
  {
    action: 'generate_embeddings',
    took: ['texts', 'model'],
    answered: ['embeddings', 'model', 'total_tokens'],
    example: { texts: ['once upon', 'a small model'] },
    differs: 'Tokens are counted, not estimated. Embeddings that do not fit in a reply are divided into pages.',
  },
  {
    action: 'rerank_documents',
    took: ['query', 'documents', 'top_k'],
    answered: ['status', 'message'],
    example: { query: 'once upon', documents: ['a time', 'a small model'] },
    code: 'MODEL_NOT_CAPABLE',
    differs: 'Requires a reranker. Use `semantic_search` with an embedding model.',
  },
  {
    action: 'compute_similarity',
    took: ['text1', 'text2'],
    answered: ['payload.similarity'],
    example: { text1: 'once upon', text2: 'a time' },
    differs: 'The original had this action over HTTP only.',
  },
  {
    action: 'semantic_search',
    took: ['query', 'documents', 'k'],
    answered: ['payload.results'],
    example: { query: 'once upon', documents: ['a time', 'a small model'] },
  },
  {
    action: 'cluster_texts',
    took: ['texts', 'n_clusters'],
    answered: ['payload.labels', 'payload.n_clusters'],
    example: { texts: ['once upon', 'a time', 'a small model'], n_clusters: 2 },
  },
  {
    action: 'recommend_items',
    took: ['items', 'query_item_index', 'k'],
    answered: ['payload.recommendations'],
    example: { items: ['once upon', 'a time', 'a small model'], query_item_index: 0 },
  },
  { action: 'query_resources', took: [], answered: ['resources', 'allocations', 'loaded_models_count', 'by_backend'] },
  {
    action: 'estimate_model_size',
    took: ['model_path'],
    answered: ['estimate.total_size_mb', 'estimate.layer_count', 'available', 'can_load', 'options'],
    example: { model_path: MODEL },
    differs:
      'Takes a model, which need not be downloaded, instead of a path. The estimate includes the context and working memory.',
  },
  { action: 'list_loaded_models', took: [], answered: ['models', 'total', 'active_model_id', 'by_backend'] },
  {
    action: 'select_active_model',
    took: ['model_id'],
    answered: ['message', 'active_model_id', 'backend'],
    example: { model_id: MODEL },
  },
  { action: 'get_recipes', took: [], answered: ['recipes', 'total'] },
  {
    action: 'get_registered_models',
    took: [],
    answered: ['payload.models', 'payload.total'],
    differs: 'Only in `payload`: twice the list would not fit in a reply. Keyed by id, since names are not unique.',
  },
  {
    action: 'create_conversation',
    took: ['conversation_id', 'user_id', 'title', 'topic', 'domain'],
    answered: ['payload.conversation.id', 'payload.conversation.title'],
    example: { conversation_id: 'talk', title: 'A talk' },
    differs: CONVERSATIONS,
  },
  {
    action: 'add_messages',
    took: ['conversation_id', 'messages'],
    answered: ['payload.count'],
    example: { conversation_id: 'talk', messages: [{ message_id: 'm1', role: 'user', content: 'Hello' }] },
    differs: CONVERSATIONS,
  },
  {
    action: 'get_conversation',
    took: ['conversation_id'],
    answered: ['payload.conversation', 'payload.messages', 'payload.message_count'],
    example: { conversation_id: 'talk' },
    differs: CONVERSATIONS,
  },
  {
    action: 'list_conversations',
    took: ['user_id', 'limit', 'offset'],
    answered: ['payload.conversations', 'payload.total'],
    example: { limit: 10, offset: 0 },
    differs: CONVERSATIONS,
  },
  {
    action: 'search_conversations',
    took: ['query', 'user_id', 'limit'],
    answered: ['payload.query', 'payload.conversations', 'payload.total'],
    example: { query: 'hello' },
    differs: `${CONVERSATIONS} Messages are searched too, not titles alone, and by meaning where asked.`,
  },
  {
    action: 'sync_push',
    took: ['conversations', 'messages'],
    answered: ['payload.conversations.synced', 'payload.messages.synced', 'payload.total_synced'],
    example: {
      conversations: [{ id: 'far', title: 'Far', updated_at: 2 }],
      messages: [{ id: 'm2', conversation_id: 'far', role: 'user', content: 'Hi', updated_at: 2 }],
    },
    differs: CONVERSATIONS,
  },
  {
    action: 'sync_pull',
    took: ['user_id', 'since'],
    answered: ['payload.conversations', 'payload.messages', 'payload.counts'],
    example: { since: 0 },
    differs: CONVERSATIONS,
  },
  { action: 'get_hf_token_status', took: [], answered: ['status', 'has_token'] },
  { action: 'set_hf_token', took: ['token'], answered: ['status', 'message'], example: { token: 'hf_example' } },
  { action: 'clear_hf_token', took: [], answered: ['status', 'message'] },
  {
    action: 'check_lmstudio',
    took: [],
    answered: ['payload.installed', 'payload.bootstrapped', 'payload.server_running'],
  },
  {
    action: 'start_lmstudio',
    took: [],
    answered: ['message', 'payload.server_running', 'payload.api_endpoint'],
    differs: 'An `lms` that other users could have replaced is not run.',
  },
  {
    action: 'lmstudio_status',
    took: [],
    answered: ['payload.server_running', 'payload.api_endpoint', 'payload.current_model'],
  },
  {
    action: 'stop_lmstudio',
    took: [],
    answered: ['status', 'message'],
    differs: 'Succeeds if the server is not running.',
  },
  {
    action: 'unload_model',
    took: ['modelId'],
    answered: ['status', 'message'],
    example: { modelId: MODEL },
    differs: 'A model must be named, since several can be loaded. A model that is not loaded is an error.',
  },
  {
    action: 'delete_model',
    took: ['model_name', 'model'],
    answered: ['status', 'payload.repoId'],
    example: { model_name: MODEL },
    differs: 'Refused while the model is loaded, here or in another host.',
  },
];
