import { defined } from '../common/defined.ts';
import { invalidField } from '../common/host-errors.ts';
import type { Conversations } from '../conversations/conversations.ts';
import type { Recovery } from '../conversations/open-database.ts';
import type { Conversation, Message, Synced } from '../conversations/types.ts';
import * as declared from '../protocol/actions/conversations.ts';
import { MAX_ROWS } from '../protocol/limits.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { handle } from './action.ts';
import { page } from './paging.ts';

/** Default number of conversations a search returns. */
const DEFAULT_RESULTS = 20;

type ConversationReference = {
  readonly conversation_id?: string | undefined;
  readonly conversationId?: string | undefined;
  readonly chat_id?: string | undefined;
  readonly id?: string | undefined;
};

function idOf(request: ConversationReference): string | undefined {
  return request.conversation_id ?? request.conversationId ?? request.chat_id ?? request.id;
}

function requiredId(request: ConversationReference): string {
  const id = idOf(request);
  if (id === undefined) throw invalidField('conversation_id', 'the id of a conversation', undefined);
  return id;
}

/** Reads a page of a list from the database. */
function readPage<T>(
  request: { limit?: number | undefined; cursor?: string | undefined },
  read: (range: { start: number; count: number }) => { readonly items: readonly T[]; readonly total: number },
  offset = 0,
): { items: T[]; total: number; nextCursor?: string } {
  const start = Number(request.cursor ?? offset);
  const { items: rows, total } = read({ start, count: Math.min(request.limit ?? MAX_ROWS, MAX_ROWS) });
  const { items } = page(rows, {});
  const end = start + items.length;
  return end < total && items.length > 0 ? { items, total, nextCursor: String(end) } : { items, total };
}

/** Converts the rows of a push to rows of the database. */
function rowsOf({ conversations = [], messages = [] }: RequestOf<'SYNC_PUSH'>): Synced {
  return {
    conversations: conversations.map((row, i) => {
      const id = row.id ?? row.conversation_id;
      if (id === undefined) throw invalidField(`conversations.${i}.id`, 'an id', undefined);
      return { id, user_id: row.user_id ?? 'default', ...textsOf(row), ...timesOf(row), deleted: row.deleted ?? false };
    }),
    messages: messages.map((row, i) => {
      const id = row.id ?? row.message_id;
      const conversation = row.conversation_id ?? row.chat_id;
      if (id === undefined) throw invalidField(`messages.${i}.id`, 'an id', undefined);
      if (conversation === undefined) throw invalidField(`messages.${i}.conversation_id`, 'an id', undefined);
      const isDeleted = row.deleted ?? false;
      if (row.content === undefined && !isDeleted) throw invalidField(`messages.${i}.content`, 'a string', undefined);
      return {
        id,
        conversation_id: conversation,
        role: row.role ?? 'user',
        content: row.content ?? '',
        ...timesOf(row),
        deleted: isDeleted,
      };
    }),
  };
}

function textsOf(row: {
  title?: string | undefined;
  topic?: string | null | undefined;
  domain?: string | null | undefined;
}) {
  return { title: row.title ?? '', topic: row.topic ?? null, domain: row.domain ?? null };
}

function timesOf({ created_at, updated_at }: { created_at?: number | undefined; updated_at?: number | undefined }) {
  const created = created_at ?? updated_at ?? Date.now() / 1000;
  return { created_at: created, updated_at: updated_at ?? created };
}

function push(store: Conversations, request: RequestOf<'SYNC_PUSH'>) {
  const { conversations, messages } = store.push(rowsOf(request));
  return { conversations, messages, total_synced: conversations.synced + messages.synced };
}

/** Reads changes, as many as fit in a reply. */
function pull(store: Conversations, request: Pick<RequestOf<'SYNC_PULL'>, 'since' | 'user_id' | 'cursor' | 'limit'>) {
  let count = Math.min(request.limit ?? MAX_ROWS, MAX_ROWS);
  for (;;) {
    const { since, user_id, cursor } = request;
    const rows = store.pull({
      after: Number(cursor ?? 0),
      count,
      ...defined({ since, userId: user_id }),
    });
    const all: readonly (Conversation | Message)[] = [...rows.conversations, ...rows.messages];
    // Halves the number of rows until they fit; a single one always does.
    if (page<Conversation | Message>(all, {}).items.length === all.length) return rows;
    count = Math.ceil(Math.min(count, all.length) / 2);
  }
}

export const createConversation = handle(declared.createConversation, async (request, { services }) => {
  const { user_id, title, topic, domain, created_at } = request;
  const { conversation, existed } = (await services.conversations()).create({
    id: idOf(request),
    user_id,
    title,
    topic: topic ?? undefined,
    domain: domain ?? undefined,
    created_at,
  });
  return {
    payload: { conversation },
    message: existed ? 'The conversation already exists' : 'Conversation created',
  };
});

export const getConversation = handle(declared.getConversation, async (request, { services }) => {
  const store = await services.conversations();
  const conversation = store.get(requiredId(request));
  const { items, total, ...next } = readPage(request, (part) => store.messages(conversation.id, part));
  return { payload: { conversation, messages: items, message_count: total, ...next } };
});

export const listConversations = handle(declared.listConversations, async (request, { services }) => {
  const store = await services.conversations();
  const recovery = store.takeRecovery();
  const { items, total, ...next } = readPage(request, (part) => store.list(part, request.user_id), request.offset);
  return {
    payload: { conversations: items, total, ...next },
    ...defined({ message: recovery && recoveryMessage(recovery) }),
  };
});

export const searchConversations = handle(declared.searchConversations, async (request, call) => {
  const { query, user_id, limit = DEFAULT_RESULTS, by = 'words' } = request;
  const store = await call.services.conversations();
  if (by === 'meaning') {
    const { searchMeaning } = await import('./search-meaning.ts');
    const { found, ...work } = await searchMeaning({ ...request, limit }, store, call);
    const { items } = page(found, {});
    return {
      payload: { query, conversations: items, total: items.length, by, model: work.modelId, ...work },
    };
  }
  const { items } = page(store.search(query, { count: limit }, user_id), {});
  return { payload: { query, conversations: items, total: items.length, by } };
});

export const addMessages = handle(declared.addMessages, async (request, { services }) => {
  const id = requiredId(request);
  const messages = request.messages.map(({ message_id, id: messageId, role, content, created_at }) => ({
    id: message_id ?? messageId,
    role,
    content,
    created_at,
  }));
  const added = (await services.conversations()).addMessages(id, messages);
  return {
    payload: { conversation_id: id, message_ids: added.map((message) => message.id), count: added.length },
  };
});

export const deleteConversation = handle(declared.deleteConversation, async (request, { services }) => {
  const id = requiredId(request);
  (await services.conversations()).delete(id);
  return { payload: { conversation_id: id }, message: 'Conversation deleted' };
});

export const syncPush = handle(declared.syncPush, async (request, { services }) => {
  return { payload: push(await services.conversations(), request) };
});

export const syncPull = handle(declared.syncPull, async (request, { services }) => {
  const { conversations, messages, change, hasMore } = pull(await services.conversations(), request);
  return {
    payload: {
      conversations: [...conversations],
      messages: [...messages],
      counts: { conversations: conversations.length, messages: messages.length },
      cursor: String(change),
      has_more: hasMore,
    },
  };
});

export const exportConversations = handle(declared.exportConversations, async (request, { services }) => {
  const { conversations, messages, change, hasMore } = pull(await services.conversations(), request);
  return {
    payload: {
      rows: [
        ...withoutDeleted(conversations).map((row) => ({ type: 'conversation' as const, ...row })),
        ...withoutDeleted(messages).map((row) => ({ type: 'message' as const, ...row })),
      ],
      ...(hasMore ? { nextCursor: String(change) } : {}),
    },
  };
});

export const importConversations = handle(declared.importConversations, async ({ rows }, { services }) => {
  const conversations = rows.filter((row) => row.type === 'conversation');
  const messages = rows.filter((row) => row.type === 'message');
  return { payload: push(await services.conversations(), { conversations, messages }) };
});

/** Returns the rows that are not deleted. */
function withoutDeleted<T extends { readonly deleted: boolean }>(rows: readonly T[]): Omit<T, 'deleted'>[] {
  return rows.filter((row) => !row.deleted).map(({ deleted: _, ...row }) => row);
}

function recoveryMessage({ conversations, messages, isPartial, setAside }: Recovery): string {
  const lost = isPartial ? 'Some could not be read and are lost.' : 'Nothing was lost.';
  return `The conversation database was damaged. ${conversations} conversations and ${messages} messages were recovered. ${lost} The damaged database was kept as ${setAside}.`;
}
