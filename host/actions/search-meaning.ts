import { HostError } from '../common/errors.ts';
import { createYielder } from '../common/yield-to-event-loop.ts';
import type { Conversations } from '../conversations/conversations.ts';
import type { FoundMessage, MessageVectors, Unseen } from '../conversations/message-vectors.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { nearest } from '../vectors/nearest.ts';
import { dotProduct, unit } from '../vectors/similarity.ts';
import type { Call } from './action.ts';
import { hasModelReference, namedModelId } from './has-model-reference.ts';
import { TextRequest } from './text-request.ts';

/** Messages one request makes vectors of: half a minute on a slow machine with a small model. */
const MAX_NEW_MESSAGES = 256;

/** Characters of a message that its vector is made of: more than most models of this kind take. */
const MAX_CHARACTERS = 4096;

/** Vectors that are kept at once: what was made stays, whatever becomes of the request. */
const KEPT_AT_ONCE = 16;

/** What a search by meaning came to. */
export interface FoundByMeaning {
  /** The conversations whose best message is most like the query, the best first. */
  readonly found: (FoundMessage & { readonly score: number })[];
  readonly model: string;
  /** Messages that have not been compared. */
  readonly waiting: number;
}

/**
 * Finds conversations by what is said in them: compares the query's vector with those of the messages, and makes those
 * that are missing first, the newest messages' first and no more than {@link MAX_NEW_MESSAGES}.
 *
 * @throws HostError `MODEL_NOT_LOADED` where no model that embeds is loaded, and what embedding throws; the signal's
 * reason when aborted.
 */
export async function searchMeaning(
  request: RequestOf<'SEARCH_CONVERSATIONS'> & { readonly limit: number },
  store: Conversations,
  call: Call,
): Promise<FoundByMeaning> {
  const { query, limit, user_id: userId } = request;
  const model = await embedderFor(request, call);
  const order = { modelId: model, truncate: true };
  const work = await TextRequest.of(order, call);
  const [made] = await work.vectors([{ name: 'query', text: query }]);
  if (made === undefined) throw new TypeError('One text came back as no vector');
  const wanted = unit(made);
  const vectors = store.vectorsOf(model);
  vectors.begin(wanted.length);
  await makeMissing(vectors, work, userId);
  const best = await bestOfEach(vectors, wanted, { userId, signal: call.signal });
  const scores = best.map(({ score }, index) => ({ index, score }));
  const found = nearest(scores, limit).flatMap(({ index, score }) => {
    const message = vectors.found(best[index]?.number ?? 0);
    return message === undefined ? [] : [{ ...message, score }];
  });
  return { found, model, waiting: vectors.waiting(userId) };
}

/**
 * The model to embed with. One elsewhere must be named: what a user said does not leave the machine unasked.
 *
 * @throws HostError `MODEL_NOT_LOADED`.
 */
async function embedderFor(request: RequestOf<'SEARCH_CONVERSATIONS'>, { services }: Call): Promise<string> {
  if (hasModelReference(request)) return namedModelId(request);
  const models = await services.models();
  const able = models.list().filter(({ abilities, modelType }) => abilities?.embed === null && modelType !== 'remote');
  // A model that writes as well can be asked for vectors, but one that only reads was made for them.
  const made = able.filter(({ abilities }) => abilities?.generate !== null);
  const best = made.length > 0 ? made : able;
  const chosen = best.find(({ id }) => id === models.activeId) ?? best[0];
  if (chosen !== undefined) return chosen.id;
  throw new HostError(
    'MODEL_NOT_LOADED',
    'Search by meaning needs an embedding model, and none is loaded. Load one, or search by words.',
    { details: { modelId: null, ability: 'embed' } },
  );
}

async function makeMissing(vectors: MessageVectors, work: TextRequest, userId: string | undefined): Promise<void> {
  const unseen = vectors.unseen(MAX_NEW_MESSAGES, userId);
  const texts = unseen.map(({ content }, i) => ({
    name: `messages.${i}`,
    text: content.slice(0, MAX_CHARACTERS).toWellFormed(),
  }));
  let done = 0;
  let made: { readonly of: Unseen; readonly vector: Float32Array }[] = [];
  for await (const { vector } of work.embed(texts)) {
    const of = unseen[done++];
    if (of !== undefined) made.push({ of, vector: unit(vector) });
    if (made.length < KEPT_AT_ONCE && done < unseen.length) continue;
    vectors.keep(made);
    made = [];
  }
}

/** The message of each conversation that is most like what is wanted. All vectors have length 1. */
async function bestOfEach(
  vectors: MessageVectors,
  wanted: Float32Array,
  { userId, signal }: { userId: string | undefined; signal: AbortSignal },
): Promise<{ readonly number: number; readonly score: number }[]> {
  const best = new Map<string, { readonly number: number; readonly score: number }>();
  const pause = createYielder(signal);
  for (const some of vectors.all(wanted.length, userId)) {
    for (const { number, conversation, vector } of some) {
      const score = Math.max(-1, Math.min(1, dotProduct(wanted, vector)));
      if (score > (best.get(conversation)?.score ?? Number.NEGATIVE_INFINITY))
        best.set(conversation, { number, score });
    }
    await pause();
  }
  return [...best.values()];
}
