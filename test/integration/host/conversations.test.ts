import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MAX_REPLY_BYTES } from '../../../host/protocol/limits.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess, Message } from '../../support/host/host-process.ts';

let workshop: HostFixture;
beforeEach(async () => {
  workshop = await HostFixture.open();
});
afterEach(() => workshop.close());

/** Returns all pages of a list. */
async function pages(host: HostProcess, action: string, fields: Message): Promise<Message[]> {
  const replies: Message[] = [];
  let cursor: string | undefined;
  do {
    const reply = await host.request(action, { ...fields, ...(cursor === undefined ? {} : { cursor }) });
    expect(reply.status).toBe('success');
    expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(MAX_REPLY_BYTES);
    replies.push(reply.payload);
    cursor = reply.payload.nextCursor ?? (reply.payload.has_more ? reply.payload.cursor : undefined);
  } while (cursor !== undefined);
  return replies;
}

describe('conversations in a host', () => {
  it('can be created, extended, listed, searched, read and deleted, and survive a restart', async () => {
    const first = workshop.host();
    const { payload } = await first.request('CREATE_CONVERSATION', { title: 'Boats', topic: 'sea' });
    const { id } = payload.conversation;
    const messages = [
      { role: 'user', content: 'Which boat floats?' },
      { role: 'assistant', content: 'All of them, at first.' },
    ];
    expect(await first.request('ADD_MESSAGES', { conversation_id: id, messages })).toMatchObject({
      payload: { conversation_id: id, count: 2 },
    });
    await first.close();

    const host = workshop.host();
    expect(await host.request('LIST_CONVERSATIONS')).toMatchObject({
      payload: { conversations: [{ id, title: 'Boats', topic: 'sea' }], total: 1 },
    });
    expect(await host.request('SEARCH_CONVERSATIONS', { query: 'floats' })).toMatchObject({
      payload: { total: 1, conversations: [{ id, snippet: 'Which boat floats?' }] },
    });
    expect(await host.request('get_conversation', { chat_id: id })).toMatchObject({
      payload: { conversation: { id }, messages, message_count: 2 },
    });
    expect(await host.request('DELETE_CONVERSATION', { id })).toMatchObject({ status: 'success' });
    expect(await host.request('GET_CONVERSATION', { id })).toMatchObject({ code: 'CONVERSATION_NOT_FOUND' });
  });

  it('lose messages that are deleted, and say so in an event', async () => {
    const host = workshop.host();
    await host.request('CREATE_CONVERSATION', { id: 'a' });
    const messages = ['one', 'two'].map((content) => ({ role: 'user', content }));
    const { message_ids: ids } = (await host.request('ADD_MESSAGES', { id: 'a', messages })).payload;
    const deletion = host.next(({ type }) => type === 'conversationChanged');
    expect(await host.request('DELETE_MESSAGES', { id: 'a', message_ids: [ids[0]] })).toMatchObject({
      payload: { conversation_id: 'a', count: 1 },
    });
    expect(await deletion).toMatchObject({ payload: { conversation_id: 'a', kind: 'messages' } });
    expect(await host.request('GET_CONVERSATION', { id: 'a' })).toMatchObject({
      payload: { messages: [{ content: 'two' }], message_count: 1 },
    });
    expect(await host.request('DELETE_MESSAGES', { id: 'a', message_ids: [ids[0]] })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'message_ids.0' },
    });
  });

  it('can be restored with their messages after a deletion, only by the next incarnation', async () => {
    const host = workshop.host();
    const { payload } = await host.request('CREATE_CONVERSATION', { title: 'Boats' });
    const { id } = payload.conversation;
    await host.request('ADD_MESSAGES', { conversation_id: id, messages: [{ role: 'user', content: 'Which boat?' }] });
    const { conversation, messages } = (await host.request('GET_CONVERSATION', { id })).payload;
    const { incarnation } = (await host.request('DELETE_CONVERSATION', { id })).payload;

    const restore = (number: number) => {
      const version = { updated_at: Date.now() / 1000 + 1, incarnation: number };
      return host.request('SYNC_PUSH', {
        conversations: [{ ...conversation, ...version }],
        messages: messages.map((message: object) => ({ ...message, ...version })),
      });
    };
    await restore(incarnation);
    expect(await host.request('GET_CONVERSATION', { id })).toMatchObject({ code: 'CONVERSATION_NOT_FOUND' });
    await restore(incarnation + 1);
    expect(await host.request('GET_CONVERSATION', { id })).toMatchObject({
      payload: { conversation: { title: 'Boats' }, messages: [{ content: 'Which boat?' }] },
    });
  });

  it('of any size are transferred in messages of the size that browsers accept', async () => {
    const host = workshop.host();
    const long = '"\n'.repeat(150_000);
    const messages = Array.from({ length: 12 }, (_, i) => ({
      id: `m${i}`,
      conversation_id: 'long',
      role: 'user',
      content: `${i} ${long}`,
      created_at: Date.now() + i,
    }));
    const push = await host.request('SYNC_PUSH', { conversations: [{ id: 'long', title: 'Long' }], messages });
    expect(push.payload).toMatchObject({ total_synced: 13, messages: { synced: 12, skipped: 0 } });

    const read = await pages(host, 'GET_CONVERSATION', { id: 'long' });
    expect(read.flatMap((page) => page.messages.map((message: Message) => message.id))).toEqual(
      messages.map((message) => message.id),
    );
    // Timestamps in milliseconds, as in browsers, are converted to seconds.
    expect(read[0]?.messages[0].created_at).toBeCloseTo(Date.now() / 1000, -3);
    const exported = (await pages(host, 'EXPORT_CONVERSATIONS', {})).flatMap(({ rows }) => rows);
    expect(exported).toHaveLength(13);

    const elsewhere = workshop.host({ env: { TABAGENT_HOME: join(workshop.home, 'elsewhere') } });
    expect((await elsewhere.request('IMPORT_CONVERSATIONS', { rows: exported })).payload.total_synced).toBe(13);
    const pulled = await pages(elsewhere, 'SYNC_PULL', {});
    expect(pulled.flatMap((page) => page.messages)).toHaveLength(12);
    expect(pulled.flatMap((page) => page.conversations)).toMatchObject([{ id: 'long', title: 'Long', deleted: false }]);

    const tooLong = { messages: [{ role: 'user', content: '"'.repeat(400_000) }], conversation_id: 'long' };
    expect(await host.request('ADD_MESSAGES', tooLong)).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'messages.0.content' },
    });
  }, 30_000);

  it('are complete or absent after a host was killed during a push', async () => {
    const conversations = [{ id: 'a', title: 'A' }];
    const messages = Array.from({ length: 20_000 }, (_, i) => ({
      id: `m${i}`,
      conversation_id: 'a',
      role: 'user',
      content: `message ${i}`,
      created_at: i,
    }));
    for (let i = 0; i < 4; i += 1) {
      const host = workshop.host();
      await host.request('LIST_CONVERSATIONS');
      host.send({ action: 'SYNC_PUSH', conversations, messages });
      // The reply to a quick request behind the push arrives during or after it, so the kill happens at a random
      // moment.
      if (i > 0) host.send({ action: 'PING' });
      await Promise.race([host.next(() => true), new Promise((resolve) => setImmediate(resolve))]);
      await host.kill();
    }
    const host = workshop.host();
    const { total } = (await host.request('LIST_CONVERSATIONS')).payload;
    const count = total === 0 ? 0 : (await host.request('GET_CONVERSATION', { id: 'a' })).payload.message_count;
    expect([0, 20_000]).toContain(count);
    expect((await host.request('SYNC_PUSH', { conversations, messages })).status).toBe('success');
    expect((await host.request('GET_CONVERSATION', { id: 'a', limit: 1 })).payload.message_count).toBe(20_000);
  }, 60_000);

  it('store the question and the answer of a generation with a chat_id', async () => {
    const folder = join(workshop.home, 'models', 'maker', 'story');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'story.gguf'), markovModel());
    const host = workshop.host();
    const settings = { n_gpu_layers: 0, n_threads: 1, n_ctx: 256 };
    await host.request('LOAD_MODEL', { modelPath: 'maker/story/story.gguf', settings });
    const messages = [{ role: 'user', content: 'once upon' }];
    const reply = await host.request('GENERATE', { messages, chat_id: 'tale', settings: { do_sample: false } });
    expect(reply).toMatchObject({ status: 'success', payload: { conversation: { id: 'tale' } } });
    const { payload } = await host.request('GET_CONVERSATION', { id: 'tale' });
    expect(payload.conversation.title).toBe('once upon');
    expect(payload.messages).toMatchObject([
      { role: 'user', content: 'once upon' },
      { role: 'assistant', content: reply.text, id: reply.payload.conversation.message_ids[1] },
    ]);
  });
});
