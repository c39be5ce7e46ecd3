import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MAX_REPLY_BYTES } from '../../../host/protocol/limits.ts';
import { bertModel, bertScore, bertVector } from '../../support/gguf/bert-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess, Message } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/bert-gguf';
const BERT = `${REPO}/bert.gguf`;
const RANKER = `${REPO}/ranker.gguf`;
const WORDS = ['red', 'green', 'blue', 'warm', 'cold', 'sea', 'sun'];
const WEIGHTS = { sun: 2, sea: -2 };
/** One thread: on a busy machine of two cores more of them wait for each other. */
const SETTINGS = { n_gpu_layers: 0, n_threads: 1, n_ctx: 256 };

function cosineOf(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  return dot / Math.hypot(...a) / Math.hypot(...b);
}

const vectorOf = (text: string) => bertVector(WORDS, text);

describe('search over native messaging', () => {
  let fixture: HostFixture;
  let host: HostProcess;
  beforeAll(async () => {
    fixture = await HostFixture.open();
    const files = {
      'ranker.gguf': bertModel({ words: WORDS, rank: WEIGHTS }),
      'bert.gguf': bertModel({ words: WORDS, contextLength: 256 }),
    };
    const hub = fixture.use(await startHub({ repos: { [REPO]: { files } } }));
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
    // The last one loaded is the active one.
    for (const modelPath of [RANKER, BERT]) {
      payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath, settings: SETTINGS }));
    }
  });
  afterAll(() => fixture.close());

  it('ranks with the rank head, best first, at the top level and in the payload', async () => {
    const documents = ['sea sea', 'red', 'sun', 'sun sun', 'green'];
    const asked = { query: 'warm', documents, model: RANKER };
    const reply = await host.request('RERANK_DOCUMENTS', asked);
    const payload = payloadOf('RERANK_DOCUMENTS', reply);
    const expected = documents
      .map((document, index) => ({ index, document, score: bertScore(WORDS, WEIGHTS, 'warm', document) }))
      .sort((a, b) => b.score - a.score)
      .map((result) => ({ ...result, score: expect.closeTo(result.score, 4) }));
    expect(payload.results.map(({ index }) => index)).toEqual([3, 2, 1, 4, 0]);
    expect(payload.results).toEqual(expected);
    expect(payload).toMatchObject({ model: RANKER, total_tokens: 5 * 6 + 2, truncated: 0 });
    expect(reply.results).toEqual(payload.results);

    const some = payloadOf('RERANK_DOCUMENTS', await host.request('RERANK_DOCUMENTS', { ...asked, top_k: 2 }));
    expect(some.results).toEqual(payload.results.slice(0, 2));
    const bare = await host.request('RERANK_DOCUMENTS', { ...asked, return_documents: false });
    expect(payloadOf('RERANK_DOCUMENTS', bare).results.map((result) => Object.keys(result))).toContainEqual([
      'index',
      'score',
    ]);
  });

  it('lists the capabilities of each loaded model', async () => {
    const { models } = payloadOf('GET_LOADED_MODELS', await host.request('GET_LOADED_MODELS'));
    expect(models.map(({ model_id, capabilities }) => [model_id, capabilities])).toEqual([
      [RANKER, ['rank']],
      [BERT, ['embed']],
    ]);
    const again = await host.request('LOAD_MODEL', { modelPath: BERT });
    expect(payloadOf('LOAD_MODEL', again).capabilities).toEqual(['embed']);
  });

  it('explains why it cannot rank with a model without a rank head, or embed with a reranker', async () => {
    const asked = { query: 'warm', documents: ['sun'] };
    expect(await host.request('RERANK_DOCUMENTS', asked)).toMatchObject({
      code: 'MODEL_NOT_CAPABLE',
      message: expect.stringMatching(/no rank head.*supports semantic search/),
    });
    for (const action of ['SEMANTIC_SEARCH', 'RERANK_DOCUMENTS', 'GENERATE_EMBEDDINGS']) {
      const model = action === 'RERANK_DOCUMENTS' ? BERT : RANKER;
      expect(await host.request(action, { ...asked, texts: ['a'], model })).toMatchObject({
        code: 'MODEL_NOT_CAPABLE',
        details: { modelId: model },
      });
    }
  });

  it('finds the documents that are most similar to a query by cosine, in order, with a threshold', async () => {
    const documents = ['cold sea', 'warm red sun', 'warm sun', 'blue', 'sun warm', 'green'];
    const asked = { query: 'warm sun', documents };
    const reply = await host.request('SEMANTIC_SEARCH', asked);
    const payload = payloadOf('SEMANTIC_SEARCH', reply);
    expect(payload.results).toHaveLength(5);
    // The same words in another order have the same vector: the earlier one comes first.
    expect(payload.results.slice(0, 3).map(({ index }) => index)).toEqual([2, 4, 1]);
    for (const { document = '', score } of payload.results) {
      expect(score).toBeCloseTo(cosineOf(vectorOf('warm sun'), vectorOf(document)), 4);
    }
    expect(payload).toMatchObject({ total_documents: 6, metric: 'cosine', model: BERT });
    expect(reply.results).toEqual(payload.results);
    const near = await host.request('SEMANTIC_SEARCH', { ...asked, k: 6, score_threshold: 0.99 });
    expect(payloadOf('SEMANTIC_SEARCH', near).results.map(({ index }) => index)).toEqual([2, 4]);
    const far = await host.request('SEMANTIC_SEARCH', { ...asked, k: 1, metric: 'euclidean' });
    expect(payloadOf('SEMANTIC_SEARCH', far).results).toEqual([
      { index: 2, document: 'warm sun', score: expect.closeTo(1, 4) },
    ]);
  });

  it('never exceeds the size of a message: it paginates, or reports how to request less', async () => {
    const documents = Array.from({ length: 40 }, (_, i) => `${WORDS[i % 7]} ${'x'.repeat(40_000)}`);
    const asked = { query: 'red', documents, k: 40, truncate: true };
    const seen: number[] = [];
    let pages = 0;
    for (let cursor: string | undefined = '0'; cursor !== undefined; pages++) {
      const reply: Message = await host.request('SEMANTIC_SEARCH', { ...asked, cursor });
      expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(MAX_REPLY_BYTES);
      const page = payloadOf('SEMANTIC_SEARCH', reply);
      seen.push(...page.results.map(({ index }) => index));
      cursor = page.nextCursor;
    }
    expect(pages).toBeGreaterThan(1);
    expect(seen.toSorted((a, b) => a - b)).toEqual([...documents.keys()]);

    const huge = { query: 'red', documents: ['red', 'x'.repeat(600_000)], truncate: true };
    expect(await host.request('SEMANTIC_SEARCH', { ...huge, cursor: '1' })).toMatchObject({
      code: 'REPLY_TOO_LARGE',
      message: expect.stringContaining('return_documents'),
    });
    const bare = payloadOf(
      'SEMANTIC_SEARCH',
      await host.request('SEMANTIC_SEARCH', { ...huge, return_documents: false }),
    );
    expect(bare.results.map(({ index }) => index)).toEqual([0, 1]);
  });

  it('groups similar texts, deterministically', async () => {
    const texts = ['red green', 'sea sun', 'green red', 'sun sea', 'red green red', 'sea sea sun'];
    const reply = await host.request('CLUSTER_TEXTS', { texts, n_clusters: 2 });
    const payload = payloadOf('CLUSTER_TEXTS', reply);
    expect(payload).toMatchObject({ labels: [0, 1, 0, 1, 0, 1], n_clusters: 2, algorithm: 'kmeans', model: BERT });
    expect(payload.clusters).toEqual([
      { label: 0, size: 3, representative: expect.any(Number) },
      { label: 1, size: 3, representative: expect.any(Number) },
    ]);
    // Two of three have the same words in another order, so the mean is closer to them.
    expect([0, 2]).toContain(payload.clusters[0]?.representative);
    expect([1, 3]).toContain(payload.clusters[1]?.representative);
    expect(payload.silhouette_score).toBeGreaterThan(0.5);
    expect(reply.labels).toEqual(payload.labels);
    const again = await host.request('CLUSTER_TEXTS', { texts, n_clusters: 2, seed: 0 });
    expect(payloadOf('CLUSTER_TEXTS', again)).toEqual(payload);
    const same = await host.request('CLUSTER_TEXTS', { texts: ['red', 'red', 'red'], n_clusters: 2 });
    expect(payloadOf('CLUSTER_TEXTS', same)).toMatchObject({
      labels: [0, 0, 0],
      n_clusters: 1,
      silhouette_score: null,
    });
  });

  it('recommends items that are similar to one item, or to the mean of several, except these', async () => {
    const items = ['red sun', 'cold sea', 'red sun warm', 'blue', 'cold sea blue'];
    const reply = await host.request('RECOMMEND_ITEMS', { items, query_item_index: 0, k: 2 });
    const payload = payloadOf('RECOMMEND_ITEMS', reply);
    expect(payload.recommendations[0]).toEqual({
      index: 2,
      item: 'red sun warm',
      score: expect.closeTo(cosineOf(vectorOf('red sun'), vectorOf('red sun warm')), 4),
    });
    expect(payload.recommendations).toHaveLength(2);
    expect(reply.recommendations).toEqual(payload.recommendations);
    const several = await host.request('RECOMMEND_ITEMS', { items, query_item_indices: [1, 3, 1] });
    const found = payloadOf('RECOMMEND_ITEMS', several).recommendations;
    expect(found.map(({ index }) => index).toSorted()).toEqual([0, 2, 4]);
    expect(found[0]?.index).toBe(4);
  });

  it.each<[string, string, Message, string]>([
    ['no query', 'RERANK_DOCUMENTS', { documents: ['a'] }, 'query'],
    ['no documents', 'RERANK_DOCUMENTS', { query: 'a', documents: [] }, 'documents'],
    ['none to be found', 'RERANK_DOCUMENTS', { query: 'a', documents: ['a'], top_k: 0 }, 'top_k'],
    ['documents that are no texts', 'SEMANTIC_SEARCH', { query: 'a', documents: [{}] }, 'documents.0'],
    ['half a result', 'SEMANTIC_SEARCH', { query: 'a', documents: ['a'], k: 0.5 }, 'k'],
    ['no number of clusters', 'CLUSTER_TEXTS', { texts: ['a', 'b'] }, 'n_clusters'],
    ['more clusters than texts', 'CLUSTER_TEXTS', { texts: ['a', 'b'], n_clusters: 3 }, 'n_clusters'],
    ['too many texts', 'CLUSTER_TEXTS', { texts: new Array(2_001).fill('a'), n_clusters: 2 }, 'texts'],
    ['another algorithm', 'CLUSTER_TEXTS', { texts: ['a', 'b'], n_clusters: 2, algorithm: 'dbscan' }, 'algorithm'],
    ['no item', 'RECOMMEND_ITEMS', { items: ['a', 'b'] }, 'query_item_index'],
    ['an item behind the end', 'RECOMMEND_ITEMS', { items: ['a', 'b'], query_item_index: 2 }, 'query_item_index'],
    [
      'both kinds',
      'RECOMMEND_ITEMS',
      { items: ['a', 'b'], query_item_index: 0, query_item_indices: [1] },
      'query_item_indices',
    ],
    [
      'one of several behind the end',
      'RECOMMEND_ITEMS',
      { items: ['a', 'b'], query_item_indices: [0, 2] },
      'query_item_indices.1',
    ],
  ])('rejects %s by name', async (_what, action, fields, field) => {
    expect(await host.request(action, fields)).toMatchObject({ code: 'INVALID_REQUEST', details: { field } });
  });

  it('reports which text is too long', async () => {
    const long = 'red '.repeat(300);
    expect(await host.request('SEMANTIC_SEARCH', { query: 'a', documents: ['a', long] })).toMatchObject({
      code: 'CONTEXT_OVERFLOW',
      details: { field: 'documents.1', tokens: 302, room: 256 },
    });
    expect(await host.request('SEMANTIC_SEARCH', { query: long, documents: ['a'] })).toMatchObject({
      details: { field: 'query' },
    });
  });
});
