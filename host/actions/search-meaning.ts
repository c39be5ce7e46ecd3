import { HostError } from '../common/errors.ts';
import type { ConversationStore, VectorStore } from '../conversations/conversation-store.ts';
import type { FoundMessage, MessageWithoutVector } from '../conversations/message-vectors.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { unit } from '../vectors/similarity.ts';
import type { Call } from './action.ts';
import { hasModelReference, namedModelId } from './model-reference.ts';
import { TextRequest } from './text-request.ts';

/** Most messages one request embeds: half a minute on a slow computer with a small model. */
const MAX_NEW_MESSAGES = 256;

/** Characters of a message that are embedded: more than most embedding models accept. */
const MAX_CHARACTERS = 4096;

/** Vectors that are saved together, so that an aborted request loses few of them. */
const SAVED_AT_ONCE = 16;

/** The result of a search by meaning. */
export interface FoundByMeaning {
  /** The best message of each conversation, most similar to the query first. */
  readonly found: (FoundMessage & { readonly score: number })[];
  readonly modelId: string;
  /** Messages that have not been embedded, and so not compared. */
  readonly waiting: number;
}

/**
 * Finds conversations by the meaning of their messages: compares the vector of the query with those of the messages.
 * Missing vectors are made first, of at most {@link MAX_NEW_MESSAGES} messages, newest first.
 *
 * @throws HostError `MODEL_NOT_LOADED` if no embedding model is loaded, and what embedding throws; the signal's reason when
 * aborted.
 */
export async function searchMeaning(
  request: RequestOf<'SEARCH_CONVERSATIONS'> & { readonly limit: number },
  store: ConversationStore,
  call: Call<'embeddingProgress'>,
): Promise<FoundByMeaning> {
  const { query, limit, user_id: userId } = request;
  const modelId = await embedderFor(request, call);
  const work = await TextRequest.start({ modelId, truncate: true }, call);
  const [made] = await work.vectors([{ name: 'query', text: query }]);
  if (made === undefined) throw new TypeError('The model returned no vector');
  const queryVector = unit(made);
  const vectors = store.vectorsOf(modelId);
  await vectors.start(queryVector.length);
  await makeMissing(vectors, work, userId);
  const found = await vectors.nearest(queryVector, limit, userId);
  return { found, modelId, waiting: await vectors.waiting(userId) };
}

/**
 * Chooses the model to embed with. A remote one must be named: messages leave the computer only on request.
 *
 * @throws HostError `MODEL_NOT_LOADED`.
 */
async function embedderFor(request: RequestOf<'SEARCH_CONVERSATIONS'>, { services }: Call): Promise<string> {
  if (hasModelReference(request)) return namedModelId(request);
  const models = await services.models();
  const capable = models
    .list()
    .filter(({ abilities, modelType }) => abilities?.embed === null && modelType !== 'remote');
  // Models that also generate text can embed, but those that do not were made for it.
  const embedders = capable.filter(({ abilities }) => abilities?.generate !== null);
  const best = embedders.length > 0 ? embedders : capable;
  const chosen = best.find(({ id }) => id === models.activeId) ?? best[0];
  if (chosen !== undefined) return chosen.id;
  throw new HostError(
    'MODEL_NOT_LOADED',
    'Search by meaning needs an embedding model, and none is loaded. Load one, or search by words.',
    { details: { modelId: null, ability: 'embed' } },
  );
}

async function makeMissing(vectors: VectorStore, work: TextRequest, userId: string | undefined): Promise<void> {
  const missing = await vectors.withoutVector(MAX_NEW_MESSAGES, userId);
  const texts = missing.map(({ content }, i) => ({
    name: `messages.${i}`,
    text: content.slice(0, MAX_CHARACTERS).toWellFormed(),
  }));
  let done = 0;
  let batch: { readonly of: MessageWithoutVector; readonly vector: Float32Array }[] = [];
  for await (const { vector } of work.embed(texts)) {
    const of = missing[done++];
    if (of !== undefined) batch.push({ of, vector: unit(vector) });
    if (batch.length < SAVED_AT_ONCE && done < missing.length) continue;
    await vectors.store(batch);
    batch = [];
  }
}
