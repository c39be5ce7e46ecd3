import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { count, field, integer, optional, pagedResponse, paging } from '../fields.ts';
import { MAX_QUERY_ITEMS, MAX_TEXTS } from '../limits.ts';
import { embeddedText, embedding, metric, textList } from './embeddings.ts';

const { events, errors } = embedding;

const returnDocuments = optional(
  v.boolean(),
  'Extension: `false` omits the texts themselves; `index` identifies them. Default: true.',
);
const scoreThreshold = optional(v.number(), 'Extension: omits results with a lower score.');

const results = field(
  v.array(
    v.object({
      index: field(count, 'The index of the document in the request.'),
      document: optional(v.string(), 'The document.'),
      score: field(v.number(), 'Its score.'),
    }),
  ),
  'The results in descending order of score; of equal ones, the one that comes first in `documents` is first. Every page is computed again.',
);

export const rerankDocuments = defineAction({
  name: 'RERANK_DOCUMENTS',
  summary: 'Scores documents against a query with a reranker and returns them in descending order of score.',
  request: {
    ...embedding.request,
    query: field(embeddedText, 'The query.'),
    documents: field(textList(1, MAX_TEXTS), 'The documents.'),
    top_k: optional(integer(1, MAX_TEXTS), 'The number of results. Default: all.'),
    return_documents: returnDocuments,
    ...paging,
  },
  response: v.object({ results, ...embedding.response, ...pagedResponse }),
  topLevel: 'payload',
  events,
  errors,
});

export const semanticSearch = defineAction({
  name: 'SEMANTIC_SEARCH',
  summary: 'Returns the documents whose embeddings are most similar to that of a query.',
  request: {
    ...embedding.request,
    query: field(embeddedText, 'The query.'),
    documents: field(textList(1, MAX_TEXTS), 'The documents.'),
    k: optional(integer(1, MAX_TEXTS), 'The number of results. Default: 5.'),
    top_k: optional(integer(1, MAX_TEXTS), 'Extension: alias of `k`.'),
    metric: optional(
      metric,
      'How to compare the embeddings as the model makes them; `euclidean` is 1 / (1 + distance). Default: `cosine`.',
    ),
    score_threshold: scoreThreshold,
    return_documents: returnDocuments,
    ...paging,
  },
  response: v.object({
    results,
    total_documents: field(count, 'The number of documents.'),
    metric: field(metric, 'How the embeddings were compared.'),
    ...embedding.response,
    ...pagedResponse,
  }),
  topLevel: 'payload',
  events,
  errors,
});

export const recommendItems = defineAction({
  name: 'RECOMMEND_ITEMS',
  summary: 'Returns the items most similar to one or more given items.',
  request: {
    ...embedding.request,
    items: field(textList(2, MAX_TEXTS), 'The items.'),
    query_item_index: optional(integer(0, MAX_TEXTS - 1), 'The index of the given item.'),
    query_item_indices: optional(
      v.pipe(
        v.array(integer(0, MAX_TEXTS - 1)),
        v.minLength(1, 'at least one index'),
        v.maxLength(MAX_QUERY_ITEMS, `at most ${MAX_QUERY_ITEMS} indices`),
      ),
      'Extension: the indices of several given items instead; items similar to their mean are returned.',
    ),
    k: optional(integer(1, MAX_TEXTS), 'The number of results. Default: 10.'),
    score_threshold: scoreThreshold,
    return_documents: returnDocuments,
    ...paging,
  },
  response: v.object({
    recommendations: field(
      v.array(
        v.object({
          index: field(count, 'The index of the item in the request.'),
          item: optional(v.string(), 'The item.'),
          score: field(v.number(), 'Its cosine similarity.'),
        }),
      ),
      'The other items, most similar first. Every page is computed again.',
    ),
    ...embedding.response,
    ...pagedResponse,
  }),
  topLevel: 'payload',
  events,
  errors,
});
