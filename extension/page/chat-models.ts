import type { ModelRow } from './model-rows.ts';

/** Names of models that embed or rank texts, as their makers call them. */
const EMBEDDING_NAME =
  /(?:^|[^a-z])(?:bge|e5|gte|minilm|colbert|splade|(?:\w*embed(?:ding)?s?)|rerank(?:er)?)(?:[^a-z]|$)/i;

/** Tags of the hub and of our own list for such models. */
const EMBEDDING_TAGS: ReadonlySet<string> = new Set([
  'embedding',
  'embeddings',
  'feature-extraction',
  'reranker',
  'sentence-similarity',
  'text-ranking',
]);

/** Returns whether a model answers messages. Until it is loaded, its tags and its name are all there is to judge by. */
export function isChatModel({ loaded, tags, name, id }: Pick<ModelRow, 'loaded' | 'tags' | 'name' | 'id'>): boolean {
  if (loaded?.capabilities !== undefined) return loaded.capabilities.includes('generate');
  return !isEmbeddingModel({ tags, names: [name, id] });
}

/** Returns whether tags or names are those of a model that embeds or ranks texts. */
export function isEmbeddingModel({ tags, names }: { tags: readonly string[]; names: readonly string[] }): boolean {
  return tags.some((tag) => EMBEDDING_TAGS.has(tag.toLowerCase())) || names.some((name) => EMBEDDING_NAME.test(name));
}

/** Returns the name of the remote engine that serves a model; undefined for a model on this computer. */
export function engineOf(modelId: string): string | undefined {
  const [owner, engine] = modelId.split('/');
  return owner === 'remote' ? engine : undefined;
}
