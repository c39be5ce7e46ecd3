import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS, MODEL_ERRORS } from '../errors.ts';
import { embeddingProgress } from '../events.ts';
import {
  count,
  field,
  integer,
  modelReference,
  name,
  nonEmptyText,
  nullable,
  objectWith,
  optional,
  pagedResponse,
  textUpTo,
  unixSeconds,
} from '../fields.ts';
import { MAX_ROWS, MAX_SYSTEM_PROMPT } from '../limits.ts';
import { generationSettings } from './model-settings.ts';

/** Longest text of a message, bytes of JSON: with its envelope it must fit in a reply of 1 MiB. */
const MAX_MESSAGE_BYTES = 640 * 1024;

/** Larger times are milliseconds, as `Date.now()` returns them; in seconds this is the year 5138. */
const LARGEST_SECONDS = 1e11;

/** Unix seconds, fractions allowed. Milliseconds are recognized by their size and converted. */
const time = v.pipe(
  v.number(),
  v.minValue(0, 'at least 0'),
  v.maxValue(1e15, 'a time in Unix seconds'),
  v.transform((time) => (time > LARGEST_SECONDS ? time / 1000 : time)),
);

/** The id of a conversation, chosen by a client or the host. */
export const conversationId = nonEmptyText(256);

/** The role of a message. */
export const messageRole = v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/, 'the name of a role, such as "user"'));

const messageContent = v.pipe(
  v.string(),
  v.check(fitsInReply, `at most ${MAX_MESSAGE_BYTES} bytes of JSON`),
  v.transform((text) => text.toWellFormed()),
);

function fitsInReply(text: string): boolean {
  // A character takes at most six bytes of JSON, so most texts need not be measured.
  return (
    text.length * 6 <= MAX_MESSAGE_BYTES || new TextEncoder().encode(JSON.stringify(text)).length <= MAX_MESSAGE_BYTES
  );
}

/** The fields that select a page. Cursors are numbers of rows or changes, which may be large, or two of them. */
const paging = {
  limit: optional(integer(1, 10_000), 'Extension: the most items to return; by default as many as fit in a reply.'),
  cursor: optional(
    v.pipe(v.string(), v.regex(/^\d{1,15}(\.\d{1,15})?$/, 'a cursor from an earlier reply')),
    'Extension: `nextCursor` of the previous page.',
  ),
};

/** The fields by which a request can name a conversation. */
const conversationReference = {
  conversation_id: optional(conversationId, 'The id of the conversation.'),
  conversationId: optional(conversationId, 'Alias of `conversation_id`.'),
  chat_id: optional(conversationId, 'Alias of `conversation_id`.'),
  id: optional(conversationId, 'Alias of `conversation_id`.'),
};

const userId = { user_id: optional(name, 'The user the conversations belong to. Default: `default`.') };

const heading = {
  title: optional(textUpTo(1024), 'The title.'),
  topic: optional(v.nullable(textUpTo(1024)), 'The topic.'),
  domain: optional(v.nullable(textUpTo(1024)), 'The domain.'),
};

const createdAt = optional(time, 'When it was created, Unix seconds or milliseconds.');

const SETTINGS = 'Extension: settings of its generations that differ from those of the model and from the saved ones.';

/** The settings of a conversation. A copy from a newer version may have settings that this one does not know. */
const settingsFields = {
  pinned: optional(v.boolean(), 'Extension: whether lists show it first.'),
  system_prompt: optional(
    v.nullable(textUpTo(MAX_SYSTEM_PROMPT)),
    'Extension: the system prompt of its generations with `chat_id` and `message`; null for that of the model, empty for none.',
  ),
  model: optional(
    v.nullable(name),
    'Extension: the id of the model that answers if a request names none and it is loaded.',
  ),
  settings: optional(v.nullable(v.object(generationSettings)), SETTINGS),
};

const conversation = v.object({
  id: field(v.string(), 'The id of the conversation.'),
  user_id: field(v.string(), 'The user it belongs to.'),
  title: field(v.string(), 'The title.'),
  topic: nullable(v.string(), 'The topic.'),
  domain: nullable(v.string(), 'The domain.'),
  created_at: field(unixSeconds, 'When it was created.'),
  updated_at: field(unixSeconds, 'When it was last changed.'),
  ...settingsFields,
});

const messageStatus = v.picklist(['streaming', 'done', 'stopped', 'length', 'failed']);
const STATUS =
  'Extension: `streaming` while it is generated; then `done` if it is complete, `stopped` by a request or the end of the host, `length` if it reached a limit, or `failed`.';

/** Fields of a message besides its text; `MAX_DETAILS_BYTES` limits their total size. */
const messageDetails = {
  reasoning_content: optional(v.string(), 'Extension: the reasoning before it.'),
  tool_calls: optional(v.array(objectWith({})), 'Extension: its tool calls.'),
  tool_call_id: optional(conversationId, 'Extension: the id of the tool call whose result it is.'),
  name: optional(name, 'Extension: the name of the tool, or of the author.'),
  parts: optional(v.array(objectWith({})), 'Extension: the content as a list of parts, if it is more than text.'),
  usage: optional(
    objectWith({}),
    'Extension: counts and times of its generation, as in the reply to `GENERATE`, and its `trimmed`.',
  ),
  model: optional(v.nullable(name), 'Extension: the id of the model that generated it.'),
};

const message = v.object({
  id: field(v.string(), 'The id of the message.'),
  conversation_id: field(v.string(), 'The conversation it belongs to.'),
  role: field(v.string(), 'Its role, such as `user`.'),
  content: field(v.string(), 'Its text.'),
  created_at: field(unixSeconds, 'When it was created.'),
  updated_at: field(unixSeconds, 'When it was last changed.'),
  status: field(messageStatus, STATUS),
  ...messageDetails,
});

const shownMessage = v.object({
  ...message.entries,
  parent_id: nullable(v.string(), 'Extension: the id of the message before it; null for the first one.'),
  siblings: optional(
    v.array(v.string()),
    'Extension: the ids of this message and its alternatives, oldest first; absent if there are none. `UPDATE_CONVERSATION` with `selected_message` selects another one.',
  ),
});

const incarnation = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1e9));
const position = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));

/** Descriptions of the fields that copies exchange in addition. */
const TITLE_UPDATED_AT =
  'Extension: when the user, title, topic or domain was last changed; new messages do not change it. Default: `updated_at`.';
const CONVERSATION_INCARNATION =
  'Extension: how many conversations with this id were deleted before this one was created. Rows of deleted ones are skipped.';
const MESSAGE_INCARNATION = 'Extension: the `incarnation` of the conversation that the message belongs to.';
const PARENT =
  'Extension: the id of the message before it; null for the first one. If absent, it follows the previous message in time.';
const SELECTED = 'Extension: the message whose branch is shown; null for the newest one.';
const SELECTED_AT = 'Extension: when that was selected.';
const POSITION = 'Extension: the order of messages with the same `created_at`.';

const conversationRow = {
  ...conversation.entries,
  title_updated_at: field(unixSeconds, TITLE_UPDATED_AT),
  selected_message: optional(v.nullable(v.string()), SELECTED),
  selected_at: optional(unixSeconds, SELECTED_AT),
  incarnation: field(incarnation, CONVERSATION_INCARNATION),
};
const messageRow = {
  ...message.entries,
  parent_id: optional(v.nullable(v.string()), PARENT),
  incarnation: field(incarnation, MESSAGE_INCARNATION),
  position: field(position, POSITION),
};

const errors = ['CONVERSATION_NOT_FOUND', 'DATABASE_TOO_NEW', ...CACHE_ERRORS] as const;

export const createConversation = defineAction({
  name: 'CREATE_CONVERSATION',
  summary: 'Creates a conversation, or returns the existing one with this ID.',
  request: { ...conversationReference, ...userId, ...heading, created_at: createdAt },
  response: v.object({ conversation: field(conversation, 'The conversation.') }),
  errors,
});

export const getConversation = defineAction({
  name: 'GET_CONVERSATION',
  summary: 'Returns a conversation and its messages in order.',
  request: {
    ...conversationReference,
    ...paging,
    from: optional(
      v.picklist(['start', 'end'], 'start or end'),
      'Extension: `start` returns the first messages that fit in a page, after `cursor`; `end` the last ones, before `cursor`. Default: `start`.',
    ),
  },
  response: v.object({
    conversation: field(conversation, 'The conversation.'),
    messages: field(v.array(shownMessage), 'Its messages, oldest first: those of the branch that is shown.'),
    message_count: field(count, 'The number of messages of the whole conversation.'),
    previousCursor: optional(
      v.string(),
      'Extension: with `from: "end"`, the `cursor` of the messages before these or, with `from: "start"`, of these and the later ones. Absent if these are the first.',
    ),
    ...pagedResponse,
  }),
  errors,
});

export const listConversations = defineAction({
  name: 'LIST_CONVERSATIONS',
  summary: 'Lists conversations: pinned ones first, then those with the most recent message.',
  request: {
    ...userId,
    ...paging,
    offset: optional(integer(0, 1e9), 'The number of conversations to skip; `cursor` is preferred.'),
  },
  response: v.object({
    conversations: field(v.array(conversation), 'The conversations.'),
    total: field(count, 'The number of all conversations.'),
    ...pagedResponse,
  }),
  errors,
});

export const searchConversations = defineAction({
  name: 'SEARCH_CONVERSATIONS',
  summary:
    'Searches conversations by the words of their titles, topics and messages, or by the meaning of their messages.',
  request: {
    ...userId,
    query: field(nonEmptyText(1024), 'The words, or a sentence with a similar meaning.'),
    limit: optional(integer(1, 100), 'The most results. Default: 20.'),
    by: optional(
      v.picklist(['words', 'meaning'], 'words or meaning'),
      'Extension: `words` needs no model. `meaning` compares embeddings made by the given model, or by a loaded model of this computer, preferably an embedding model. Default: `words`.',
    ),
    ...modelReference,
  },
  response: v.object({
    query: field(v.string(), 'The query.'),
    conversations: field(
      v.array(
        v.object({
          ...conversation.entries,
          message_id: nullable(
            v.string(),
            'The newest or, with `meaning`, the most similar matching message; null if the title or topic matches.',
          ),
          snippet: field(v.string(), 'An excerpt of it.'),
          score: optional(v.number(), 'Extension: with `meaning`, the similarity to the query, −1 to 1.'),
        }),
      ),
      'The conversations found: with `words` those whose title or topic matches, then those with the newest matching message; with `meaning` the most similar first.',
    ),
    total: field(count, 'Their number.'),
    by: field(v.picklist(['words', 'meaning']), 'Extension: how they were searched.'),
    modelId: optional(v.string(), 'Extension: with `meaning`, the id of the model that made the embeddings.'),
    model: optional(v.string(), 'Extension: alias of `modelId`.'),
    waiting: optional(
      count,
      'Extension: with `meaning`, how many of the oldest messages have not been compared yet. A request makes a limited number of embeddings, which are saved: repeat the search until this is 0.',
    ),
  }),
  events: [embeddingProgress],
  errors: ['EMBEDDING_FAILED', ...errors, ...MODEL_ERRORS],
});

export const addMessages = defineAction({
  name: 'ADD_MESSAGES',
  summary: 'Adds messages to a conversation.',
  request: {
    ...conversationReference,
    messages: field(
      v.pipe(
        v.array(
          objectWith({
            message_id: optional(conversationId, 'The id of the message. Default: a new one.'),
            id: optional(conversationId, 'Alias of `message_id`.'),
            role: field(messageRole, 'Its role, such as `user`.'),
            content: field(messageContent, 'Its text.'),
            created_at: createdAt,
            ...messageDetails,
          }),
        ),
        v.minLength(1, 'at least one message'),
      ),
      'The messages.',
    ),
  },
  response: v.object({
    conversation_id: field(v.string(), 'The id of the conversation.'),
    message_ids: field(v.array(v.string()), 'The ids of the messages.'),
    count: field(count, 'Their number.'),
  }),
  errors,
});

export const deleteMessages = defineAction({
  name: 'DELETE_MESSAGES',
  summary:
    'Extension: deletes messages of a conversation, such as a question that was not answered. Messages after them stay. The deletion is included in synchronization.',
  request: {
    ...conversationReference,
    message_ids: field(
      v.pipe(
        v.array(conversationId),
        v.minLength(1, 'at least one id'),
        v.maxLength(MAX_ROWS, `at most ${MAX_ROWS} ids`),
      ),
      'The ids of the messages.',
    ),
  },
  response: v.object({
    conversation_id: field(v.string(), 'The id of the conversation.'),
    count: field(count, 'The number of messages that were deleted.'),
  }),
  errors,
});

export const updateConversation = defineAction({
  name: 'UPDATE_CONVERSATION',
  summary: 'Extension: changes the title or the settings of a conversation, or the branch it shows.',
  request: {
    ...conversationReference,
    ...heading,
    ...settingsFields,
    settings: optional(v.nullable(v.strictObject(generationSettings)), `${SETTINGS} Unknown ones are refused.`),
    selected_message: optional(
      conversationId,
      'Extension: the id of a message whose branch is to be shown, up to the newest message after it.',
    ),
  },
  response: v.object({ conversation: field(conversation, 'The conversation.') }),
  errors,
});

export const deleteConversation = defineAction({
  name: 'DELETE_CONVERSATION',
  summary:
    'Deletes a conversation and its messages. The deletion is included in synchronization, and is final: rows of the conversation that arrive later are skipped. A conversation with the same id can be created with `CREATE_CONVERSATION`.',
  request: conversationReference,
  response: v.object({
    conversation_id: field(v.string(), 'The id of the conversation.'),
    incarnation: field(incarnation, 'Extension: its `incarnation`. `RESTORE_CONVERSATION` creates the next one.'),
  }),
  errors,
});

export const restoreConversation = defineAction({
  name: 'RESTORE_CONVERSATION',
  summary:
    'Extension: undoes a deletion within ten minutes. Only the host that deleted the conversation still has it, in memory, so the end of that host makes the deletion final.',
  request: conversationReference,
  response: v.object({ conversation: field(conversation, 'The conversation.') }),
  errors,
});

const times = {
  created_at: createdAt,
  updated_at: optional(time, 'When it was last changed; the later change wins. Default: `created_at`.'),
};
const deleted = optional(v.boolean(), 'Whether it was deleted.');

const pushedConversation = {
  id: optional(conversationId, 'The id of the conversation.'),
  conversation_id: optional(conversationId, 'Alias of `id`.'),
  ...userId,
  ...heading,
  ...times,
  ...settingsFields,
  title_updated_at: optional(time, TITLE_UPDATED_AT),
  selected_message: optional(v.nullable(conversationId), SELECTED),
  selected_at: optional(time, SELECTED_AT),
  incarnation: optional(incarnation, CONVERSATION_INCARNATION),
  deleted,
};
const pushedMessage = {
  id: optional(conversationId, 'The id of the message.'),
  message_id: optional(conversationId, 'Alias of `id`.'),
  conversation_id: optional(conversationId, 'The conversation it belongs to.'),
  chat_id: optional(conversationId, 'Alias of `conversation_id`.'),
  role: optional(messageRole, 'Its role. Default: `user`.'),
  content: optional(messageContent, 'Its text; required unless it was deleted.'),
  ...times,
  status: optional(messageStatus, STATUS),
  ...messageDetails,
  parent_id: optional(v.nullable(conversationId), PARENT),
  incarnation: optional(incarnation, MESSAGE_INCARNATION),
  position: optional(position, POSITION),
  deleted,
};

const syncCount = v.object({
  synced: field(count, 'Rows that were applied.'),
  skipped: field(count, 'Rows that the host has in the same or a later version, or whose conversation was deleted.'),
});
const pushResponse = v.object({
  conversations: field(syncCount, 'The conversations.'),
  messages: field(syncCount, 'The messages.'),
  total_synced: field(count, 'All applied rows.'),
  refused: optional(
    v.array(
      v.object({
        id: field(v.string(), 'The id of the message.'),
        conversation_id: field(v.string(), 'The conversation in the row.'),
      }),
    ),
    'Extension: messages that were not stored because a message of another conversation has their id. They also count as skipped.',
  ),
});

export const syncPush = defineAction({
  name: 'SYNC_PUSH',
  summary:
    "Applies rows from a client's own database, all or none. The last write wins; of two at the same time, both sides choose the same one.",
  request: {
    conversations: optional(v.array(objectWith(pushedConversation)), 'Conversations.'),
    messages: optional(v.array(objectWith(pushedMessage)), 'Messages.'),
  },
  response: pushResponse,
  errors,
});

export const syncPull = defineAction({
  name: 'SYNC_PULL',
  summary: 'Returns the changes, including deletions, since a cursor or a time.',
  request: {
    ...userId,
    since: optional(time, 'Return changes after this time. Prefer `cursor`, which depends on no clock.'),
    ...paging,
  },
  response: v.object({
    conversations: field(
      v.array(v.object({ ...conversationRow, deleted: field(v.boolean(), 'Whether it was deleted.') })),
      'The changed conversations.',
    ),
    messages: field(
      v.array(v.object({ ...messageRow, deleted: field(v.boolean(), 'Whether it was deleted.') })),
      'The changed messages.',
    ),
    counts: field(
      v.object({
        conversations: field(count, 'The number of conversations.'),
        messages: field(count, 'The number of messages.'),
      }),
      'How many of each.',
    ),
    cursor: field(v.string(), 'Extension: `cursor` for the changes after these, now or later.'),
    has_more: field(v.boolean(), 'Whether there are more changes now.'),
  }),
  errors,
});

export const exportConversations = defineAction({
  name: 'EXPORT_CONVERSATIONS',
  summary: 'Returns all conversations and messages as rows for a JSON Lines file.',
  request: { ...userId, ...paging },
  response: v.object({
    rows: field(
      v.array(
        v.union([
          v.object({ type: field(v.literal('conversation'), 'The kind of row.'), ...conversationRow }),
          v.object({ type: field(v.literal('message'), 'The kind of row.'), ...messageRow }),
        ]),
      ),
      'The rows, one for each line.',
    ),
    ...pagedResponse,
  }),
  errors,
});

export const importConversations = defineAction({
  name: 'IMPORT_CONVERSATIONS',
  summary: 'Imports rows returned by `EXPORT_CONVERSATIONS`.',
  request: {
    rows: field(
      v.array(
        v.variant('type', [
          v.looseObject({ type: field(v.literal('conversation'), 'The kind of row.'), ...pushedConversation }),
          v.looseObject({ type: field(v.literal('message'), 'The kind of row.'), ...pushedMessage }),
        ]),
      ),
      'The rows.',
    ),
  },
  response: pushResponse,
  errors,
});
