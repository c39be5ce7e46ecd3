import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Call } from '../../../host/actions/action.ts';
import { searchMeaning } from '../../../host/actions/search-meaning.ts';
import { type ConversationStore, openConversationStore } from '../../../host/conversations/conversation-store.ts';
import type { EmbedRequest } from '../../../host/models/embedding.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const MODEL = 'a/b/m.gguf';

let folder: ReturnType<typeof tempFolder>;
let store: ConversationStore;
beforeEach(async () => {
  folder = tempFolder('meaning');
  store = openConversationStore({
    entry: new URL('../../../host/main.ts', import.meta.url),
    file: join(folder.path, 'conversations.sqlite'),
    log: new RecordedLog(),
  });
  await store.create({ id: 'a' });
  await store.addMessages(
    'a',
    Array.from({ length: 64 }, (_, i) => ({ role: 'user', content: `message ${i}` })),
  );
});
afterEach(async () => {
  await store.close();
  folder.remove();
});

/** Returns a call with a model that is aborted after it has embedded this many batches. */
function callOf(modelType: 'gguf' | 'remote', pieces: number) {
  const gone = new AbortController();
  let done = 0;
  const models = {
    activeId: MODEL,
    list: () => [{ id: MODEL, modelType, abilities: { generate: 'it only reads', embed: null, rank: null } }],
    async embed(_id: string, { texts }: EmbedRequest, signal: AbortSignal) {
      signal.throwIfAborted();
      done += 1;
      if (done === pieces) gone.abort(new Error('gone'));
      return texts.map(() => ({ vector: Float32Array.of(1, 0), tokens: 1, truncated: false }));
    },
  };
  const services = { models: async () => models };
  return { services, signal: gone.signal, emit: () => {}, client: 'local' } as unknown as Call;
}

const REQUEST = { action: 'SEARCH_CONVERSATIONS', query: 'x', by: 'meaning', limit: 5 } as const;

it('an aborted search ends immediately, and keeps the computed embeddings', async () => {
  // The query is the first batch; each further one has 16 messages.
  await expect(searchMeaning(REQUEST, store, callOf('gguf', 3))).rejects.toThrow('gone');
  expect(await store.vectorsOf(MODEL).waiting()).toBe(64 - 32);
});

it('a search without a model sends nothing to a remote one', async () => {
  await expect(searchMeaning(REQUEST, store, callOf('remote', 99))).rejects.toMatchObject({ code: 'MODEL_NOT_LOADED' });
});
