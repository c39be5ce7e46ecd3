import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HostError } from '../../../host/common/errors.ts';
import { type ConversationStore, openConversationStore } from '../../../host/conversations/conversation-store.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const ENTRY = new URL('../../../host/main.ts', import.meta.url);
const LIMITS = { count: 100, bytes: 1_000_000 };

describe('the conversation thread', () => {
  let folder: ReturnType<typeof tempFolder>;
  let file: string;
  let log: RecordedLog;
  let store: ConversationStore;
  beforeEach(() => {
    folder = tempFolder('store');
    file = join(folder.path, 'conversations.sqlite');
    log = new RecordedLog();
    store = openConversationStore({ entry: ENTRY, file, log });
  });
  afterEach(async () => {
    await store.close();
    folder.remove();
  });

  it('executes calls in order, and preserves error codes', async () => {
    const [created, , messages] = await Promise.all([
      store.create({ id: 'a', title: 'First' }),
      store.addMessages('a', [{ role: 'user', content: 'one' }]),
      store.messages('a', { limits: LIMITS }),
    ]);
    expect(created).toMatchObject({ existed: false, conversation: { title: 'First' } });
    expect(messages.items).toMatchObject([{ content: 'one' }]);
    const error: unknown = await store.get('no').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HostError);
    expect(error).toMatchObject({ code: 'CONVERSATION_NOT_FOUND', details: { conversation_id: 'no' } });
  });

  it('does not block the event loop while another host writes', async () => {
    await store.create({ id: 'a' });
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    let isAdded = false;
    const added = store.addMessages('a', [{ role: 'user', content: 'one' }]).then(() => {
      isAdded = true;
    });
    // A call that blocked the event loop would prevent the commit that it waits for.
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    expect(isAdded).toBe(false);
    other.exec('COMMIT');
    await added;
    other.close();
    expect((await store.messages('a', { limits: LIMITS })).total).toBe(1);
  });

  it('recovers a damaged database in the next call, logs it, and reports it once', async () => {
    await store.close();
    writeFileSync(file, 'this is no database, whatever its name says'.repeat(100));
    store = openConversationStore({ entry: ENTRY, file, log });
    expect(await store.takeRecovery()).toMatchObject({ conversations: 0, isPartial: true });
    expect(await store.takeRecovery()).toBeUndefined();
    expect(JSON.stringify(log.lines)).toContain('conversations.corrupt');
  });

  it('tries again to open a database that could not be opened', async () => {
    const unreadable = openConversationStore({ entry: ENTRY, file: folder.path, log });
    await expect(unreadable.get('a')).rejects.toBeInstanceOf(HostError);
    await expect(unreadable.get('a')).rejects.toBeInstanceOf(HostError);
    await unreadable.close();
  });

  it('rejects every call after it has ended', async () => {
    await store.create({ id: 'a' });
    await store.close();
    await expect(store.get('a')).rejects.toMatchObject({ code: 'CACHE_ERROR' });
  });
});
