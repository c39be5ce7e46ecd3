import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MAX_REPLY_BYTES } from '../../../host/protocol/limits.ts';
import { bertModel, bertVector } from '../../support/gguf/bert-model.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess, Message } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/bert-gguf';
const BERT = `${REPO}/bert.gguf`;
const STORY = `${REPO}/story.gguf`;
const WORDS = ['red', 'green', 'blue', 'warm', 'cold', 'sea', 'sun'];
/** One thread: on a busy machine of two cores more of them wait for each other. */
const SETTINGS = { n_gpu_layers: 0, n_threads: 1, n_ctx: 256 };

/** Returns the normalized vector. */
function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function cosineOf(a: string, b: string): number {
  const [one, other] = [unit(bertVector(WORDS, a)), unit(bertVector(WORDS, b))];
  return one.reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0);
}

function floatsOf(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

describe('embedding over native messaging', () => {
  let fixture: HostFixture;
  let host: HostProcess;
  beforeAll(async () => {
    fixture = await HostFixture.open();
    const files = { 'story.gguf': markovModel(), 'bert.gguf': bertModel({ words: WORDS }) };
    const hub = fixture.use(await startHub({ repos: { [REPO]: { files } } }));
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
    // The last one loaded is the active one.
    for (const modelPath of [STORY, BERT]) {
      payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath, settings: SETTINGS }));
    }
  });
  afterAll(() => fixture.close());

  it('returns the expected normalized embeddings, at the top level and in the payload, with the number of tokens', async () => {
    const reply = await host.request('GENERATE_EMBEDDINGS', { texts: ['red', 'warm sea'] });
    const payload = payloadOf('GENERATE_EMBEDDINGS', reply);
    expect(payload).toMatchObject({ model: BERT, total_tokens: 7, dimensions: 64, truncated: 0 });
    expect(reply).toMatchObject({ embeddings: payload.embeddings, model: BERT, total_tokens: 7 });
    for (const [i, text] of ['red', 'warm sea'].entries()) {
      const expected = unit(bertVector(WORDS, text)).map((value) => expect.closeTo(value, 4));
      expect(payload.embeddings[i]).toEqual(expected);
    }
  });

  it('returns embeddings without normalization, and as base64, on request', async () => {
    const asked = { texts: ['red sun'], normalize: false };
    const plain = payloadOf('GENERATE_EMBEDDINGS', await host.request('GENERATE_EMBEDDINGS', asked));
    expect(plain.embeddings[0]).toEqual(bertVector(WORDS, 'red sun').map((value) => expect.closeTo(value, 4)));
    const packed = payloadOf(
      'GENERATE_EMBEDDINGS',
      await host.request('GENERATE_EMBEDDINGS', { ...asked, encoding: 'base64' }),
    );
    expect(floatsOf(String(packed.embeddings[0]))).toEqual(
      Array.from(Float32Array.from(plain.embeddings[0] as number[])),
    );
  });

  it('sends as many embeddings as fit in a message, and a cursor for the rest', async () => {
    const texts = Array.from({ length: 1_500 }, (_, i) => `${WORDS[i % 7]} ${WORDS[Math.floor(i / 7) % 7]}`);
    for (const encoding of ['float', 'base64']) {
      const vectors: unknown[] = [];
      let pages = 0;
      for (let cursor: string | undefined = '0'; cursor !== undefined; pages++) {
        const reply: Message = await host.request('GENERATE_EMBEDDINGS', { texts, encoding, cursor });
        expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(MAX_REPLY_BYTES);
        const page = payloadOf('GENERATE_EMBEDDINGS', reply);
        expect(page.total_tokens).toBe(4 * page.embeddings.length);
        vectors.push(...page.embeddings);
        cursor = page.nextCursor;
      }
      expect(vectors).toHaveLength(1_500);
      expect(pages).toBeGreaterThan(1);
      // The 50th text is the 1st again.
      expect(vectors[1_323]).toEqual(vectors[0]);
    }
    const some = await host.request('GENERATE_EMBEDDINGS', { texts, cursor: '3', limit: 2 });
    expect(payloadOf('GENERATE_EMBEDDINGS', some)).toMatchObject({ total_tokens: 8, nextCursor: '5' });
  });

  it('reports progress for many texts', async () => {
    const texts = new Array<string>(200).fill('red');
    const reply = await host.request('GENERATE_EMBEDDINGS', { texts });
    const events = host.received.filter(({ type, requestId }) => type !== undefined && requestId === reply.requestId);
    expect(events.map(({ type }) => type)).toEqual(events.map(() => 'embeddingProgress'));
    expect(events.at(-1)?.payload).toEqual({ modelId: BERT, processed: 200, total: 200, progress: 100 });
  });

  it('computes the similarity of two texts', async () => {
    const asked = { text1: 'red sun', text2: 'red sea' };
    const reply = await host.request('COMPUTE_SIMILARITY', asked);
    expect(payloadOf('COMPUTE_SIMILARITY', reply)).toEqual({
      modelId: BERT,
      similarity: expect.closeTo(cosineOf('red sun', 'red sea'), 4),
      metric: 'cosine',
      text1_length: 7,
      text2_length: 7,
      model: BERT,
      total_tokens: 8,
      truncated: 0,
    });
    expect(reply.similarity).toBe(reply.payload.similarity);
    const same = await host.request('COMPUTE_SIMILARITY', { texts: ['red sun', 'sun red'], metric: 'euclidean' });
    expect(payloadOf('COMPUTE_SIMILARITY', same).similarity).toBeCloseTo(1, 4);
  });

  it('uses the named model, and reports why it cannot embed', async () => {
    const other = await host.request('GENERATE_EMBEDDINGS', { texts: ['once'], model: STORY });
    expect(payloadOf('GENERATE_EMBEDDINGS', other)).toMatchObject({ model: STORY, total_tokens: 2 });
    expect(await host.request('GENERATE_EMBEDDINGS', { texts: ['once'], model: `${REPO}/none.gguf` })).toMatchObject({
      code: 'MODEL_NOT_LOADED',
    });
    expect(await host.request('GENERATE', { prompt: 'red' })).toMatchObject({
      code: 'MODEL_NOT_CAPABLE',
      details: { modelId: BERT, ability: 'generate' },
    });
  });

  it.each<[string, string, Message, string]>([
    ['no texts', 'GENERATE_EMBEDDINGS', {}, 'texts'],
    ['an empty list', 'GENERATE_EMBEDDINGS', { texts: [] }, 'texts'],
    ['an empty text', 'GENERATE_EMBEDDINGS', { texts: ['a', ''] }, 'texts.1'],
    ['a number', 'GENERATE_EMBEDDINGS', { texts: [1] }, 'texts.0'],
    ['too many texts', 'GENERATE_EMBEDDINGS', { texts: new Array(10_001).fill('a') }, 'texts'],
    ['a text of megabytes', 'GENERATE_EMBEDDINGS', { texts: ['a'.repeat(2_000_001)] }, 'texts.0'],
    ['another encoding', 'GENERATE_EMBEDDINGS', { texts: ['a'], encoding: 'hex' }, 'encoding'],
    ['a cursor behind the end', 'GENERATE_EMBEDDINGS', { texts: ['a'], cursor: '1' }, 'cursor'],
    ['one text of two', 'COMPUTE_SIMILARITY', { text1: 'a' }, 'text2'],
    ['texts twice', 'COMPUTE_SIMILARITY', { text1: 'a', texts: ['a', 'b'] }, 'texts'],
    ['three texts', 'COMPUTE_SIMILARITY', { texts: ['a', 'b', 'c'] }, 'texts'],
    ['another metric', 'COMPUTE_SIMILARITY', { text1: 'a', text2: 'b', metric: 'taxi' }, 'metric'],
  ])('rejects %s by name', async (_what, action, fields, field) => {
    expect(await host.request(action, fields)).toMatchObject({ code: 'INVALID_REQUEST', details: { field } });
  });

  it('rejects a text that is too long, and truncates it on request', async () => {
    const texts = ['red', 'red '.repeat(100)];
    expect(await host.request('GENERATE_EMBEDDINGS', { texts })).toMatchObject({
      code: 'CONTEXT_OVERFLOW',
      details: { field: 'texts.1', tokens: 102, room: 64 },
    });
    const cut = await host.request('GENERATE_EMBEDDINGS', { texts, truncate: true });
    expect(payloadOf('GENERATE_EMBEDDINGS', cut)).toMatchObject({ truncated: 1, total_tokens: 67 });
  });
});

describe('a client that disconnects while texts are embedded', () => {
  it('leaves nothing running', async () => {
    const fixture = await HostFixture.open();
    try {
      const files = { 'bert.gguf': bertModel({ words: WORDS, contextLength: 4_096 }) };
      const hub = fixture.use(await startHub({ repos: { [REPO]: { files } } }));
      const host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
      const settings = { ...SETTINGS, n_ctx: 4_096 };
      payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath: BERT, settings }));
      const begun = host.next(({ type }) => type === 'embeddingProgress');
      // Minutes of work, with a short first batch.
      const texts = [...new Array<string>(16).fill('red'), ...new Array<string>(500).fill('red '.repeat(4_000))];
      host.send({ action: 'GENERATE_EMBEDDINGS', requestId: 1, texts });
      await begun;
      expect(await host.close()).toEqual({ code: 0, signal: null });
      const reply = host.received.find(({ requestId, status }) => requestId === 1 && status !== undefined);
      expect(reply).toMatchObject({ status: 'error', code: 'ABORTED' });
    } finally {
      await fixture.close();
    }
  });
});
