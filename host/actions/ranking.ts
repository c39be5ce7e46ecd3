import { invalidField } from '../common/host-errors.ts';
import * as declared from '../protocol/actions/ranking.ts';
import { centroid } from '../vectors/centroid.ts';
import { nearest, type Scored } from '../vectors/nearest.ts';
import { cosine, similarity } from '../vectors/similarity.ts';
import { handle } from './action.ts';
import { resultPage } from './paging.ts';
import { namedTexts, TextRequest } from './text-request.ts';

/** Default numbers of results. Source: the original's defaults. */
const SEARCH_RESULTS = 5;
const RECOMMENDATIONS = 10;

/** Returns the indices of the items to base recommendations on. */
function queryIndices(request: {
  items: readonly string[];
  query_item_index?: number | undefined;
  query_item_indices?: readonly number[] | undefined;
}): number[] {
  const { items, query_item_index: one, query_item_indices: several } = request;
  if (one !== undefined && several !== undefined) {
    throw invalidField('query_item_indices', 'omitted when `query_item_index` is given', several);
  }
  const given = several === undefined ? [one] : [...new Set(several)];
  return given.map((index, i) => {
    const field = several === undefined ? 'query_item_index' : `query_item_indices.${i}`;
    if (index === undefined || index >= items.length) throw invalidField(field, `0 to ${items.length - 1}`, index);
    return index;
  });
}

export const rerankDocuments = handle(declared.rerankDocuments, async (request, call) => {
  const { query, documents, top_k: k = documents.length, return_documents: withText = true } = request;
  const work = await TextRequest.start(request, call);
  const scores: Scored[] = [];
  for await (const { score } of work.rank({ name: 'query', text: query }, namedTexts('documents', documents))) {
    scores.push({ index: scores.length, score });
  }
  const best = nearest(scores, k).map((result) =>
    withText ? { ...result, document: documents[result.index] ?? '' } : result,
  );
  const { items: results, ...next } = resultPage(best, request);
  const payload = { results, ...work.summary(), ...next };
  return { payload };
});

export const semanticSearch = handle(declared.semanticSearch, async (request, call) => {
  const {
    query,
    documents,
    metric = 'cosine',
    score_threshold: threshold,
    return_documents: withText = true,
  } = request;
  const k = request.k ?? request.top_k ?? SEARCH_RESULTS;
  const work = await TextRequest.start(request, call);
  let queryVector: Float32Array | undefined;
  const scores: Scored[] = [];
  for await (const { vector } of work.embed([{ name: 'query', text: query }, ...namedTexts('documents', documents)])) {
    if (queryVector === undefined) queryVector = vector;
    else scores.push({ index: scores.length, score: similarity(metric, queryVector, vector) });
  }
  const best = nearest(scores, k, threshold).map((result) =>
    withText ? { ...result, document: documents[result.index] ?? '' } : result,
  );
  const { items: results, ...next } = resultPage(best, request);
  const payload = { results, total_documents: documents.length, metric, ...work.summary(), ...next };
  return { payload };
});

export const recommendItems = handle(declared.recommendItems, async (request, call) => {
  const { items, k = RECOMMENDATIONS, score_threshold: threshold, return_documents: withText = true } = request;
  const given = queryIndices(request);
  const others = [...items.keys()].filter((index) => !given.includes(index));
  const named = namedTexts('items', items);
  const texts = [...given, ...others].flatMap((index) => named[index] ?? []);
  const work = await TextRequest.start(request, call);
  const givenVectors: Float32Array[] = [];
  let center: Float32Array | undefined;
  const scores: Scored[] = [];
  for await (const { vector } of work.embed(texts)) {
    if (givenVectors.length < given.length) {
      givenVectors.push(vector);
      continue;
    }
    center ??= centroid(givenVectors);
    scores.push({ index: others[scores.length] ?? 0, score: cosine(center, vector) });
  }
  const best = nearest(scores, k, threshold).map((result) =>
    withText ? { ...result, item: items[result.index] ?? '' } : result,
  );
  const { items: recommendations, ...next } = resultPage(best, request);
  const payload = { recommendations, ...work.summary(), ...next };
  return { payload };
});
