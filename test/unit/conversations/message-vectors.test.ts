import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Conversations } from '../../../host/conversations/conversations.ts';
import type { MessageVectors } from '../../../host/conversations/message-vectors.ts';
import { MIGRATIONS } from '../../../host/conversations/schema.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

let folder: ReturnType<typeof tempFolder>;
let file: string;
let store: Conversations;

beforeEach(async () => {
  folder = tempFolder('vectors');
  file = join(folder.path, 'conversations.sqlite');
  store = await Conversations.open(file, new RecordedLog());
  store.create({ id: 'a' });
  store.addMessages('a', [
    { id: 'm1', role: 'user', content: 'one' },
    { id: 'm2', role: 'user', content: 'two' },
  ]);
});
afterEach(() => {
  store.close();
  folder.remove();
});

function fill(vectors: MessageVectors, dimensions = 2): void {
  vectors.start(dimensions);
  vectors.store(vectors.withoutVector(10).map((of, i) => ({ of, vector: new Float32Array(dimensions).fill(i + 1) })));
}

function kept(vectors: MessageVectors, dimensions = 2): number[][] {
  return [...vectors.all(dimensions)].flat().map(({ vector }) => [...vector]);
}

describe('MessageVectors', () => {
  it('are kept after a restart, separately for each model', async () => {
    fill(store.vectorsOf('x'));
    store.close();
    store = await Conversations.open(file, new RecordedLog());
    expect(kept(store.vectorsOf('x'))).toEqual([
      [2, 2],
      [1, 1],
    ]);
    expect(store.vectorsOf('x').waiting()).toBe(0);
    expect(store.vectorsOf('y').waiting()).toBe(2);
  });

  it('are not stored for a text that changed while they were computed', () => {
    const vectors = store.vectorsOf('x');
    vectors.start(2);
    const unseen = vectors.withoutVector(10);
    const rewritten = { id: 'm2', conversation_id: 'a', role: 'user', content: 'too', created_at: 1, updated_at: 9e9 };
    store.push({ conversations: [], messages: [{ ...rewritten, deleted: false }] });
    vectors.store(unseen.map((of) => ({ of, vector: Float32Array.of(1, 0) })));
    expect(vectors.withoutVector(10).map(({ content }) => content)).toEqual(['too']);
  });

  it('are removed if the model with the ID now produces different ones', () => {
    fill(store.vectorsOf('x'), 2);
    store.vectorsOf('x').start(3);
    expect(kept(store.vectorsOf('x'), 2)).toEqual([]);
    expect(store.vectorsOf('x').waiting()).toBe(2);
  });

  it.each([0, -1000])(
    'are kept for the three most recently used models, with a clock that advances by %d ms per search',
    (step) => {
      jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout'] });
      try {
        for (const model of ['w', 'x', 'y', 'z']) {
          fill(store.vectorsOf(model));
          jest.setSystemTime(Date.now() + step);
        }
      } finally {
        jest.useRealTimers();
      }
      expect(['w', 'x', 'y', 'z'].map((model) => kept(store.vectorsOf(model)).length)).toEqual([0, 2, 2, 2]);
    },
  );

  it('can be stored in a database that an earlier version created', async () => {
    store.close();
    rmSync(file);
    const raw = new DatabaseSync(file);
    for (const step of MIGRATIONS.slice(0, 1)) raw.exec(step);
    raw.exec(`INSERT INTO conversations VALUES ('a', 'default', 'A', NULL, NULL, 1, 1, 0, 1);
      INSERT INTO messages VALUES (1, 'm1', 'a', 'user', 'one', 1, 1, 0, 2), (2, 'm2', 'a', 'user', 'two', 2, 2, 0, 3);
      PRAGMA user_version = 1`);
    raw.close();
    store = await Conversations.open(file, new RecordedLog());
    fill(store.vectorsOf('x'));
    expect(kept(store.vectorsOf('x'))).toHaveLength(2);
    expect(store.messages('a', { limits: { count: 9, bytes: 1_000_000 } }).total).toBe(2);
  });
});
