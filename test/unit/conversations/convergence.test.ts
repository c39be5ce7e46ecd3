import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { Conversations } from '../../../host/conversations/conversations.ts';
import { seededRandom } from '../../../host/vectors/random.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const STORES = 3;
const STEPS = 150;
/** Clocks of the stores, which differ, in milliseconds. The random step makes equal times likely. */
const SKEWS_MS = [0, -90_000, 45_000];
const ALL = { limits: { count: 10_000, bytes: 100_000_000 } };

let folder: ReturnType<typeof tempFolder>;
let stores: Conversations[];
beforeEach(async () => {
  folder = tempFolder('convergence');
  const files = Array.from({ length: STORES }, (_, i) => join(folder.path, `${i}.sqlite`));
  stores = await Promise.all(files.map((file) => Conversations.open(file, new RecordedLog())));
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'performance'] });
});
afterEach(() => {
  jest.useRealTimers();
  for (const store of stores) store.close();
  folder.remove();
});

/** Everything that a user or another copy can see of a store. */
function contentsOf(store: Conversations) {
  const { conversations, messages } = store.pull(ALL);
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
  return {
    conversations: conversations.toSorted(byId),
    messages: messages.toSorted(byId),
    listed: store.list(ALL).items,
    read: store.list(ALL).items.map(({ id }) => store.messages(id, ALL).items),
  };
}

it.each(Array.from({ length: 12 }, (_, seed) => [seed]))(
  'stores converge in any order of synchronization: seed %i',
  (seed) => {
    const random = seededRandom(seed + 1);
    const below = (limit: number) => Math.floor(random() * limit);
    let time = 1_800_000_000_000;
    const exchange = (from: number, to: number) =>
      stores[to]?.push(stores[from]?.pull(ALL) ?? { conversations: [], messages: [] });
    for (let step = 0; step < STEPS; step += 1) {
      const at = below(STORES);
      const store = stores[at];
      if (store === undefined) continue;
      if (below(3) === 0) time += 1;
      jest.setSystemTime(time + (SKEWS_MS[at] ?? 0));
      const id = `c${below(2)}`;
      const seconds = 1_900_000_000 + below(2);
      try {
        switch (below(10)) {
          case 0:
            store.create({ id, title: `created by ${at}` });
            break;
          case 1:
            if (below(3) === 0) store.delete(id);
            break;
          case 2:
            store.addMessages(id, [{ role: 'user', content: `added by ${at}` }]);
            break;
          case 3: {
            const heading = { user_id: 'default', title: `title of ${at}, ${step}`, topic: null, domain: null };
            const row = { id, ...heading, created_at: seconds, updated_at: seconds, deleted: below(12) === 0 };
            store.push({ conversations: [row], messages: [] });
            break;
          }
          case 4:
          case 5:
          case 6: {
            const times = { created_at: seconds, updated_at: seconds };
            const message = { id: `${id}-m${below(2)}`, conversation_id: id, role: 'user', content: `${at}, ${step}` };
            store.push({ conversations: [], messages: [{ ...message, ...times, deleted: below(5) === 0 }] });
            break;
          }
          default:
            exchange(below(STORES), at);
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'CONVERSATION_NOT_FOUND' });
      }
    }
    for (let round = 0; round < 2; round += 1) {
      // All pull before any pushes, as copies do that synchronize at the same time.
      const pulled = stores.map((store) => store.pull(ALL));
      for (const [to, store] of stores.entries()) {
        for (const [from, rows] of pulled.entries()) if (from !== to) store.push(rows);
      }
    }
    const [first, ...others] = stores.map(contentsOf);
    for (const other of others) expect(other).toEqual(first);
  },
);

it('a new message does not overwrite a title that was changed elsewhere', () => {
  const [a, b] = stores as [Conversations, Conversations];
  jest.setSystemTime(1_000_000);
  a.create({ id: 'a', title: 'Old' });
  b.push(a.pull(ALL));
  const { conversations } = a.pull(ALL);
  a.push({
    conversations: conversations.map((row) => ({ ...row, title: 'New', title_updated_at: 1_500, updated_at: 1_500 })),
    messages: [],
  });
  jest.setSystemTime(2_000_000);
  b.addMessages('a', [{ role: 'user', content: 'later' }]);
  a.push(b.pull(ALL));
  b.push(a.pull(ALL));
  for (const store of [a, b]) expect(store.get('a')).toMatchObject({ title: 'New', updated_at: 2_000 });
});
