import { defined } from '../common/defined.ts';
import { invalidField } from '../common/host-errors.ts';
import type { JsonObject } from '../common/json.ts';
import type { Recovery } from '../conversations/open-database.ts';
import type { PageLimits, PushedRows } from '../conversations/types.ts';
import * as declared from '../protocol/actions/conversations.ts';
import { MAX_ROWS } from '../protocol/limits.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { type Call, handle } from './action.ts';
import {
  viewConversation,
  viewConversationRow,
  viewExportedRow,
  viewMessage,
  viewMessageRow,
} from './conversation-view.ts';
import { storedDetails } from './message-details.ts';
import { fitWithinBytes, MAX_PAGE_BYTES, page } from './paging.ts';

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

/** Returns the limits of a page of a list. */
function limitsOf({ limit = MAX_ROWS }: { readonly limit?: number | undefined }): PageLimits {
  return { count: Math.min(limit, MAX_ROWS), bytes: MAX_PAGE_BYTES };
}

/** Converts the rows of a push to rows of the database. */
function rowsOf({ conversations = [], messages = [] }: RequestOf<'SYNC_PUSH'>): PushedRows {
  return {
    conversations: conversations.map((row, i) => {
      const id = row.id ?? row.conversation_id;
      if (id === undefined) throw invalidField(`conversations.${i}.id`, 'an id', undefined);
      return {
        id,
        user_id: row.user_id ?? 'default',
        ...textsOf(row),
        ...timesOf(row),
        pinned: row.pinned,
        system_prompt: row.system_prompt,
        model: row.model,
        settings: row.settings as JsonObject | null | undefined,
        selected_id: row.selected_message,
        selected_at: row.selected_message === undefined ? undefined : (row.selected_at ?? timesOf(row).updated_at),
        title_updated_at: row.title_updated_at,
        incarnation: row.incarnation,
        deleted: row.deleted ?? false,
      };
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
        status: row.status,
        model: row.model,
        details: storedDetails(row, `messages.${i}`),
        parent_id: row.parent_id === null ? '' : row.parent_id,
        incarnation: row.incarnation,
        position: row.position,
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

async function push({ services }: Call, request: RequestOf<'SYNC_PUSH'>) {
  const store = await services.conversations();
  const rows = rowsOf(request);
  const { conversations, messages, refused } = await store.push(rows);
  const deleted = [
    ...rows.conversations.filter((row) => row.deleted).map(({ id }) => id),
    ...rows.messages.filter((row) => row.deleted).map((row) => row.conversation_id),
  ];
  for (const id of new Set(deleted)) await services.forgetEvaluated(id);
  const ids = new Set([...rows.conversations.map(({ id }) => id), ...rows.messages.map((row) => row.conversation_id)]);
  if (conversations.synced + messages.synced > 0) {
    services.conversationChanged(ids.size === 1 ? ([...ids][0] ?? null) : null, 'messages');
  }
  return {
    conversations,
    messages,
    total_synced: conversations.synced + messages.synced,
    ...(refused.length === 0 ? {} : { refused: fitWithinBytes(refused) }),
  };
}

export const createConversation = handle(declared.createConversation, async (request, { services }) => {
  const { user_id, title, topic, domain, created_at } = request;
  const { conversation, existed } = await (await services.conversations()).create({
    id: idOf(request),
    user_id,
    title,
    topic: topic ?? undefined,
    domain: domain ?? undefined,
    created_at,
  });
  if (!existed) services.conversationChanged(conversation.id, 'created');
  return {
    payload: { conversation: viewConversation(conversation) },
    message: existed ? 'The conversation already exists' : 'Conversation created',
  };
});

export const getConversation = handle(declared.getConversation, async (request, { services }) => {
  const store = await services.conversations();
  const conversation = await store.get(requiredId(request));
  await (await services.answers()).endAbandoned();
  const { cursor, from } = request;
  const { items, total, ...next } = await store.messages(conversation.id, {
    cursor,
    limits: limitsOf(request),
    ...defined({ from }),
  });
  return {
    payload: {
      conversation: viewConversation(conversation),
      messages: items.map(viewMessage),
      message_count: total,
      ...next,
    },
  };
});

export const listConversations = handle(declared.listConversations, async (request, { services }) => {
  const store = await services.conversations();
  const recovery = await store.takeRecovery();
  await (await services.answers()).endAbandoned();
  const { cursor, offset, user_id: userId } = request;
  const { items, total, ...next } = await store.list({ cursor, offset, userId, limits: limitsOf(request) });
  return {
    payload: { conversations: items.map(viewConversation), total, ...next },
    ...defined({ message: recovery && recoveryMessage(recovery) }),
  };
});

export const searchConversations = handle(declared.searchConversations, async (request, call) => {
  const { query, user_id, limit = DEFAULT_RESULTS, by = 'words' } = request;
  const store = await call.services.conversations();
  if (by === 'meaning') {
    const { searchMeaning } = await import('./search-meaning.ts');
    const { found, ...work } = await searchMeaning({ ...request, limit }, store, call);
    const { items } = page(found.map(viewConversation), {});
    return {
      payload: { query, conversations: items, total: items.length, by, model: work.modelId, ...work },
    };
  }
  const { items } = page((await store.search(query, { count: limit }, user_id)).map(viewConversation), {});
  return { payload: { query, conversations: items, total: items.length, by } };
});

export const addMessages = handle(declared.addMessages, async (request, { services }) => {
  const id = requiredId(request);
  const messages = request.messages.map((message, i) => ({
    id: message.message_id ?? message.id,
    role: message.role,
    content: message.content,
    created_at: message.created_at,
    details: storedDetails(message, `messages.${i}`),
  }));
  const added = await (await services.conversations()).addMessages(id, messages);
  services.conversationChanged(id, 'messages');
  return {
    payload: { conversation_id: id, message_ids: added.map((message) => message.id), count: added.length },
  };
});

export const deleteMessages = handle(declared.deleteMessages, async (request, { services }) => {
  const id = requiredId(request);
  const count = await (await services.conversations()).deleteMessages(id, request.message_ids);
  await services.forgetEvaluated(id);
  services.conversationChanged(id, 'messages');
  return { payload: { conversation_id: id, count }, message: 'Messages deleted' };
});

export const updateConversation = handle(declared.updateConversation, async (request, { services }) => {
  const { title, topic, domain, pinned, system_prompt, model, settings, selected_message } = request;
  const id = requiredId(request);
  const conversation = await (await services.conversations()).update(id, {
    title,
    topic,
    domain,
    pinned,
    system_prompt,
    model,
    settings: settings as JsonObject | null | undefined,
    selected_message,
  });
  services.conversationChanged(id, 'updated');
  return { payload: { conversation: viewConversation(conversation) }, message: 'Conversation changed' };
});

export const restoreConversation = handle(declared.restoreConversation, async (request, { services }) => {
  const id = requiredId(request);
  const conversation = await (await services.conversations()).restore(id);
  services.conversationChanged(id, 'restored');
  return { payload: { conversation: viewConversation(conversation) }, message: 'Conversation restored' };
});

export const deleteConversation = handle(declared.deleteConversation, async (request, { services }) => {
  const id = requiredId(request);
  const incarnation = await (await services.conversations()).delete(id);
  await services.forgetEvaluated(id);
  services.conversationChanged(id, 'deleted');
  return { payload: { conversation_id: id, incarnation }, message: 'Conversation deleted' };
});

export const syncPush = handle(declared.syncPush, async (request, call) => {
  return { payload: await push(call, request) };
});

export const syncPull = handle(declared.syncPull, async (request, { services }) => {
  const { since, user_id: userId, cursor } = request;
  const { conversations, messages, change, hasMore } = await (await services.conversations()).pull({
    after: Number(cursor ?? 0),
    limits: limitsOf(request),
    ...defined({ since, userId }),
  });
  return {
    payload: {
      conversations: conversations.map(viewConversationRow),
      messages: messages.map(viewMessageRow),
      counts: { conversations: conversations.length, messages: messages.length },
      cursor: String(change),
      has_more: hasMore,
    },
  };
});

export const exportConversations = handle(declared.exportConversations, async (request, { services }) => {
  const { user_id: userId, cursor } = request;
  const { rows, ...next } = await (await services.conversations()).export({
    limits: limitsOf(request),
    ...defined({ cursor, userId }),
  });
  return { payload: { rows: rows.map(viewExportedRow), ...next } };
});

export const importConversations = handle(declared.importConversations, async ({ rows }, call) => {
  const conversations = rows.filter((row) => row.type === 'conversation');
  const messages = rows.filter((row) => row.type === 'message');
  return { payload: await push(call, { conversations, messages }) };
});

function recoveryMessage({ conversations, messages, isPartial, setAside }: Recovery): string {
  const lost = isPartial ? 'Some could not be read and are lost.' : 'Nothing was lost.';
  return `The conversation database was damaged. ${conversations} conversations and ${messages} messages were recovered. ${lost} The damaged database was kept as ${setAside}.`;
}
