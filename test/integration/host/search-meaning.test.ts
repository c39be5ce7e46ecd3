import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bertModel, bertVector } from '../../support/gguf/bert-model.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/bert-gguf';
const BERT = `${REPO}/bert.gguf`;
const STORY = `${REPO}/story.gguf`;
const WORDS = ['red', 'green', 'blue', 'warm', 'cold', 'sea', 'sun'];
/** One thread: on a busy machine of two cores more of them wait for each other. */
const SETTINGS = { n_gpu_layers: 0, n_threads: 1, n_ctx: 256 };
const SAID = { sea: ['cold sea', 'blue sea'], sun: ['warm sun', 'red sun'], word: ['green'] };

function cosineOf(a: string, b: string): number {
  const [one, other] = [bertVector(WORDS, a), bertVector(WORDS, b)];
  const dot = one.reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0);
  return dot / Math.hypot(...one) / Math.hypot(...other);
}

/** Returns the conversations in the expected order. */
function expectedOrder(query: string) {
  return Object.entries(SAID)
    .map(([id, texts]) => ({ id, score: Math.max(...texts.map((text) => cosineOf(query, text))) }))
    .toSorted((a, b) => b.score - a.score);
}

let fixture: HostFixture;
let host: HostProcess;
beforeEach(async () => {
  fixture = await HostFixture.open();
  const files = { 'story.gguf': markovModel(), 'bert.gguf': bertModel({ words: WORDS }) };
  const hub = fixture.use(await startHub({ repos: { [REPO]: { files } } }));
  host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
});
afterEach(() => fixture.close());

async function load(modelPath: string): Promise<void> {
  payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath, settings: SETTINGS }));
}

async function say(): Promise<void> {
  for (const [id, texts] of Object.entries(SAID)) {
    await host.request('CREATE_CONVERSATION', { id, user_id: id === 'word' ? 'other' : 'one' });
    const messages = texts.map((content, i) => ({ message_id: `${id}-${i}`, role: 'user', content }));
    payloadOf('ADD_MESSAGES', await host.request('ADD_MESSAGES', { id, messages }));
  }
}

async function search(query: string, fields: object = {}) {
  const asked = { query, by: 'meaning', ...fields };
  return payloadOf('SEARCH_CONVERSATIONS', await host.request('SEARCH_CONVERSATIONS', asked));
}

/** Returns the number of vectors in the database. */
function vectors(): number {
  const database = new DatabaseSync(join(fixture.home, 'conversations.sqlite'), { readOnly: true });
  const row = database.prepare('SELECT count(*) AS count FROM message_vectors').get();
  database.close();
  return Number(row?.count);
}

describe('semantic search', () => {
  it('ranks conversations by the similarity of their best message, with an embedding model that is loaded together with a chat model', async () => {
    await load(BERT);
    await load(STORY);
    await say();
    for (const query of ['cold blue', 'sun', 'green green']) {
      const { conversations, ...rest } = await search(query);
      expect(rest).toEqual({ query, total: 3, by: 'meaning', modelId: BERT, model: BERT, waiting: 0 });
      expect(conversations).toMatchObject(
        expectedOrder(query).map(({ id, score }) => ({ id, score: expect.closeTo(score, 4) })),
      );
    }
    expect(vectors()).toBe(5);
    const [first] = (await search('warm sun', { limit: 1 })).conversations;
    expect(first).toMatchObject({ id: 'sun', message_id: 'sun-0', snippet: 'warm sun' });
    expect((await search('warm sun', { user_id: 'other' })).conversations.map(({ id }) => id)).toEqual(['word']);
  });

  it('removes the embedding of a deleted message, and recomputes that of a changed one', async () => {
    await load(BERT);
    await say();
    await search('sea');
    await host.request('DELETE_CONVERSATION', { id: 'sun' });
    expect(vectors()).toBe(3);
    const changed = { id: 'word-0', conversation_id: 'word', role: 'user', content: 'cold sun', updated_at: 9e9 };
    payloadOf('SYNC_PUSH', await host.request('SYNC_PUSH', { messages: [changed] }));
    expect(vectors()).toBe(2);
    const { conversations } = await search('cold sun');
    expect(conversations[0]).toMatchObject({ id: 'word', score: expect.closeTo(1, 4) });
  });

  it('computes a limited number of embeddings per request, newest messages first', async () => {
    await load(BERT);
    const messages = Array.from({ length: 300 }, (_, i) => ({
      role: 'user',
      content: `${WORDS[i % 7]} ${WORDS[Math.floor(i / 7) % 7]}`,
    }));
    await host.request('CREATE_CONVERSATION', { id: 'long' });
    payloadOf('ADD_MESSAGES', await host.request('ADD_MESSAGES', { id: 'long', messages }));
    expect(await search('red')).toMatchObject({ total: 1, waiting: 300 - 256 });
    expect(await search('red')).toMatchObject({ total: 1, waiting: 0 });
    expect(vectors()).toBe(300);
  });

  it('requires a loaded model, and reports the alternatives', async () => {
    await say();
    expect(await host.request('SEARCH_CONVERSATIONS', { query: 'sea', by: 'meaning' })).toMatchObject({
      code: 'MODEL_NOT_LOADED',
      details: { ability: 'embed' },
      message: expect.stringContaining('search by words'),
    });
    expect(await host.request('SEARCH_CONVERSATIONS', { query: 'sea', by: 'sound' })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'by' },
    });
    const words = payloadOf('SEARCH_CONVERSATIONS', await host.request('SEARCH_CONVERSATIONS', { query: 'sea' }));
    expect(words).toMatchObject({ by: 'words', total: 1, conversations: [{ id: 'sea' }] });
  });
});
