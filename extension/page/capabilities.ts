/** What a model can be used for. */
export type Capability = 'chat' | 'reasoning' | 'code' | 'vision' | 'embedding';

export const CAPABILITIES: readonly Capability[] = ['chat', 'reasoning', 'code', 'vision', 'embedding'];

/** Tags of Hugging Face and of the host's own list. */
const TAGS: Readonly<Record<Exclude<Capability, 'chat'>, ReadonlySet<string>>> = {
  reasoning: new Set(['reasoning', 'thinking']),
  code: new Set(['code', 'coder', 'coding']),
  vision: new Set(['vision', 'image-text-to-text', 'multimodal', 'vlm']),
  embedding: new Set([
    'embedding',
    'embeddings',
    'feature-extraction',
    'reranker',
    'sentence-similarity',
    'sentence-transformers',
    'text-ranking',
  ]),
};

/** Words in names of models, as their makers use them. */
const NAMES: Readonly<Record<Exclude<Capability, 'chat'>, RegExp>> = {
  reasoning: /(?:^|[^a-z])(?:r1|qwq|think(?:ing)?|reason(?:ing|er)?|gpt-oss)(?:[^a-z]|$)/i,
  code: /(?:^|[^a-z])(?:code(?:r|stral|gemma)?|starcoder\w*|coding)(?:[^a-z]|$)/i,
  vision: /(?:^|[^a-z])(?:vl|vlm|vision|llava\w*|pixtral|moondream\w*)(?:[^a-z]|$)/i,
  embedding: /(?:^|[^a-z])(?:bge|e5|gte|minilm|colbert|splade|\w*embed(?:ding)?s?|rerank(?:er)?)(?:[^a-z]|$)/i,
};

/** The properties that capabilities are derived from: until a model is loaded, only its tags and names. */
export interface ModelTraits {
  readonly tags: readonly string[];
  readonly names: readonly string[];
  /** What the host reports for a loaded model. */
  readonly reported?: readonly string[] | undefined;
}

/** Returns what a model can be used for. A model that embeds or ranks texts is not offered for chat. */
export function capabilitiesOf({ tags, names, reported }: ModelTraits): Capability[] {
  const has = (capability: Exclude<Capability, 'chat'>) =>
    tags.some((tag) => TAGS[capability].has(tag.toLowerCase())) || names.some((name) => NAMES[capability].test(name));
  const canChat = reported?.includes('generate') ?? !has('embedding');
  if (!canChat) return ['embedding'];
  return ['chat', ...(['reasoning', 'code', 'vision'] as const).filter(has)];
}

/** Returns whether a model answers messages. */
export function isChatModel({ capabilities }: { readonly capabilities: readonly Capability[] }): boolean {
  return capabilities.includes('chat');
}

/** Returns the name of the remote engine that serves a model; undefined for a model on this computer. */
export function engineOf(modelId: string): string | undefined {
  const [owner, engine] = modelId.split('/');
  return owner === 'remote' ? engine : undefined;
}

/**
 * Returns a loaded model that embeds texts on this computer. A remote one does not count: text that only helps to choose
 * what is sent must not leave the computer.
 */
export function localEmbeddingModel<
  T extends { readonly id: string; readonly stage: string; readonly capabilities: readonly Capability[] },
>(models: readonly T[]): T | undefined {
  return models.find(
    ({ id, stage, capabilities }) =>
      stage === 'loaded' && capabilities.includes('embedding') && engineOf(id) === undefined,
  );
}
