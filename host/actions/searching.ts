import { invalidField } from '../common/host-errors.ts';
import { centroid } from '../vectors/centroid.ts';
import { nearest, type Scored } from '../vectors/nearest.ts';
import { cosine, similarity } from '../vectors/similarity.ts';
import type { Actions } from './action.ts';
import { resultPage } from './result-page.ts';
import { placed, TextRequest } from './text-request.ts';

/** Results where the request does not say how many. Source: the original's defaults. */
const SEARCH_RESULTS = 5;
const RECOMMENDATIONS = 10;

/** The places of the items that recommendations are to be like. */
function likedOf(request: {
  items: readonly string[];
  query_item_index?: number | undefined;
  query_item_indices?: readonly number[] | undefined;
}): number[] {
  const { items, query_item_index: one, query_item_indices: several } = request;
  if (one !== undefined && several !== undefined) {
    throw invalidField('query_item_indices', 'omitted when `query_item_index` is given', several);
  }
  const liked = several === undefined ? [one] : [...new Set(several)];
  return liked.map((index, i) => {
    const field = several === undefined ? 'query_item_index' : `query_item_indices.${i}`;
    if (index === undefined || index >= items.length) throw invalidField(field, `0 to ${items.length - 1}`, index);
    return index;
  });
}

export const actions: Actions<'RERANK_DOCUMENTS' | 'SEMANTIC_SEARCH' | 'RECOMMEND_ITEMS'> = {
  async RERANK_DOCUMENTS(request, call) {
    const { query, documents, top_k: k = documents.length, return_documents: whole = true } = request;
    const work = await TextRequest.of(request, call);
    const scores: Scored[] = [];
    for await (const { score } of work.rank({ name: 'query', text: query }, placed('documents', documents))) {
      scores.push({ index: scores.length, score });
    }
    const best = nearest(scores, k).map((one) => (whole ? { ...one, document: documents[one.index] ?? '' } : one));
    const { items: results, ...next } = resultPage(best, request);
    const payload = { results, ...work.summary(), ...next };
    return { payload, topLevel: payload };
  },

  async SEMANTIC_SEARCH(request, call) {
    const { query, documents, metric = 'cosine', score_threshold: threshold, return_documents: whole = true } = request;
    const k = request.k ?? request.top_k ?? SEARCH_RESULTS;
    const work = await TextRequest.of(request, call);
    let queryVector: Float32Array | undefined;
    const scores: Scored[] = [];
    for await (const { vector } of work.embed([{ name: 'query', text: query }, ...placed('documents', documents)])) {
      if (queryVector === undefined) queryVector = vector;
      else scores.push({ index: scores.length, score: similarity(metric, queryVector, vector) });
    }
    const best = nearest(scores, k, threshold).map((one) =>
      whole ? { ...one, document: documents[one.index] ?? '' } : one,
    );
    const { items: results, ...next } = resultPage(best, request);
    const payload = { results, total_documents: documents.length, metric, ...work.summary(), ...next };
    return { payload, topLevel: payload };
  },

  async RECOMMEND_ITEMS(request, call) {
    const { items, k = RECOMMENDATIONS, score_threshold: threshold, return_documents: whole = true } = request;
    const liked = likedOf(request);
    const others = [...items.keys()].filter((index) => !liked.includes(index));
    const named = placed('items', items);
    const texts = [...liked, ...others].flatMap((index) => named[index] ?? []);
    const work = await TextRequest.of(request, call);
    const likedVectors: Float32Array[] = [];
    let wanted: Float32Array | undefined;
    const scores: Scored[] = [];
    for await (const { vector } of work.embed(texts)) {
      if (likedVectors.length < liked.length) {
        likedVectors.push(vector);
        continue;
      }
      wanted ??= centroid(likedVectors);
      scores.push({ index: others[scores.length] ?? 0, score: cosine(wanted, vector) });
    }
    const best = nearest(scores, k, threshold).map((one) => (whole ? { ...one, item: items[one.index] ?? '' } : one));
    const { items: recommendations, ...next } = resultPage(best, request);
    const payload = { recommendations, ...work.summary(), ...next };
    return { payload, topLevel: payload };
  },
};
