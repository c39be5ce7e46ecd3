import * as v from 'valibot';
import { integer, modelNaming, Name, objectWith, pagedPayload, paging } from '../fields.ts';

/** Longest text of a message, bytes of JSON: with what stands around it, it is to fit a frame of 1 MiB. */
export const MAX_MESSAGE_BYTES = 640 * 1024;

/** Rows of a page of messages or changes, at most. */
export const MAX_ROWS = 1000;

/** Numbers above this are milliseconds, as `Date.now()` gives them; as seconds it is the year 5138. */
const LARGEST_SECONDS = 1e11;

/** Unix seconds, fractions allowed; milliseconds are told by their size. */
const Time = v.pipe(
  v.number(),
  v.minValue(0, 'at least 0'),
  v.maxValue(1e15, 'a time in Unix seconds'),
  v.transform((time) => (time > LARGEST_SECONDS ? time / 1000 : time)),
);

/** The id of a conversation or a message: whatever a client calls it. */
export const Id = v.pipe(
  v.string(),
  v.minLength(1, 'an id that is not empty'),
  v.maxLength(256, 'at most 256 characters long'),
);

const Role = v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/, 'the name of a role, such as "user"'));

const Content = v.pipe(
  v.string(),
  v.check(isSayable, `at most ${MAX_MESSAGE_BYTES} bytes of JSON`),
  v.transform((text) => text.toWellFormed()),
);

function isSayable(text: string): boolean {
  // A character takes at most six bytes of JSON: most texts need not be written to know it.
  return (
    text.length * 6 <= MAX_MESSAGE_BYTES || new TextEncoder().encode(JSON.stringify(text)).length <= MAX_MESSAGE_BYTES
  );
}

/** The spellings of a conversation's id. */
const conversationNaming = {
  conversation_id: v.optional(Id),
  conversationId: v.optional(Id),
  chat_id: v.optional(Id),
  id: v.optional(Id),
};

const userId = { user_id: v.optional(Name) };

const conversationTexts = {
  title: v.optional(v.pipe(v.string(), v.maxLength(1024, 'at most 1024 characters long'))),
  topic: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(1024, 'at most 1024 characters long')))),
  domain: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(1024, 'at most 1024 characters long')))),
};

const times = { created_at: v.optional(Time), updated_at: v.optional(Time) };

/** A conversation as replies give it. */
export const Conversation = v.object({
  id: v.string(),
  user_id: v.string(),
  title: v.string(),
  topic: v.nullable(v.string()),
  domain: v.nullable(v.string()),
  /** Unix seconds. */
  created_at: v.number(),
  /** Unix seconds; of two versions the one with the later time holds. */
  updated_at: v.number(),
});

/** A message as replies give it. */
export const Message = v.object({
  id: v.string(),
  conversation_id: v.string(),
  role: v.string(),
  content: v.string(),
  created_at: v.number(),
  updated_at: v.number(),
});

export const CreateConversationRequest = v.looseObject({
  ...conversationNaming,
  ...userId,
  ...conversationTexts,
  created_at: v.optional(Time),
});
export const CreateConversationPayload = v.object({ conversation: Conversation });

export const GetConversationRequest = v.looseObject({ ...conversationNaming, ...paging });
export const GetConversationPayload = v.object({
  conversation: Conversation,
  messages: v.array(Message),
  /** Of the whole conversation. */
  message_count: v.number(),
  ...pagedPayload,
});

export const ListConversationsRequest = v.looseObject({ ...userId, ...paging, offset: v.optional(integer(0, 1e9)) });
export const ListConversationsPayload = v.object({
  conversations: v.array(Conversation),
  total: v.number(),
  ...pagedPayload,
});

export const SearchConversationsRequest = v.looseObject({
  ...userId,
  query: v.pipe(
    v.string(),
    v.minLength(1, 'a text that is not empty'),
    v.maxLength(1024, 'at most 1024 characters long'),
  ),
  limit: v.optional(integer(1, 100)),
  /**
   * *Ours*: `meaning` finds messages that say something like the query, by the vectors of a loaded model: the named
   * one, else one on this machine that was made to embed, else any that can. `words`, the default, needs no model.
   */
  by: v.optional(v.picklist(['words', 'meaning'], 'words or meaning')),
  ...modelNaming,
});
export const SearchConversationsPayload = v.object({
  query: v.string(),
  conversations: v.array(
    v.object({
      ...Conversation.entries,
      /** The message it was found in; null where the title or topic has it. */
      message_id: v.nullable(v.string()),
      snippet: v.string(),
      /** *Ours*: by meaning, how like the message is to the query, −1 to 1. */
      score: v.optional(v.number()),
    }),
  ),
  total: v.number(),
  /** *Ours*: how it was searched. */
  by: v.picklist(['words', 'meaning']),
  /** *Ours*: by meaning, the model that made the vectors. */
  model: v.optional(v.string()),
  /**
   * *Ours*: by meaning, how many messages have not been compared, the oldest. One request makes a bounded number of
   * vectors, which are kept: the same search again goes further, until this is 0.
   */
  waiting: v.optional(v.number()),
});

export const AddMessagesRequest = v.looseObject({
  ...conversationNaming,
  messages: v.pipe(
    v.array(
      objectWith({
        message_id: v.optional(Id),
        id: v.optional(Id),
        role: Role,
        content: Content,
        created_at: v.optional(Time),
      }),
    ),
    v.minLength(1, 'at least one message'),
  ),
});
export const AddMessagesPayload = v.object({
  conversation_id: v.string(),
  message_ids: v.array(v.string()),
  count: v.number(),
});

export const DeleteConversationRequest = v.looseObject(conversationNaming);
export const DeleteConversationPayload = v.object({ conversation_id: v.string() });

const deleted = v.optional(v.boolean());

const pushedConversation = {
  id: v.optional(Id),
  conversation_id: v.optional(Id),
  ...userId,
  ...conversationTexts,
  ...times,
  deleted,
};
const pushedMessage = {
  id: v.optional(Id),
  message_id: v.optional(Id),
  conversation_id: v.optional(Id),
  chat_id: v.optional(Id),
  role: v.optional(Role),
  content: v.optional(Content),
  ...times,
  deleted,
};

/** Rows of a client's own database. What is absent there is empty here; without `updated_at`, `created_at` counts. */
export const SyncPushRequest = v.looseObject({
  conversations: v.optional(v.array(objectWith(pushedConversation))),
  messages: v.optional(v.array(objectWith(pushedMessage))),
});
const SyncCount = v.object({
  synced: v.number(),
  /** Older than what the host has, or the same. */
  skipped: v.number(),
});
export const SyncPushPayload = v.object({ conversations: SyncCount, messages: SyncCount, total_synced: v.number() });

export const SyncPullRequest = v.looseObject({
  ...userId,
  /** Only what was last changed after this. `cursor` is better: it does not depend on anybody's clock. */
  since: v.optional(Time),
  ...paging,
});
export const SyncPullPayload = v.object({
  conversations: v.array(v.object({ ...Conversation.entries, deleted: v.boolean() })),
  messages: v.array(v.object({ ...Message.entries, deleted: v.boolean() })),
  counts: v.object({ conversations: v.number(), messages: v.number() }),
  /** *Ours*: ask with it for what comes after this, now (`has_more`) or another day. */
  cursor: v.string(),
  has_more: v.boolean(),
});

export const ExportConversationsRequest = v.looseObject({ ...userId, ...paging });
export const ExportConversationsPayload = v.object({
  /** What a file of JSON lines has, a line each. */
  rows: v.array(
    v.union([
      v.object({ type: v.literal('conversation'), ...Conversation.entries }),
      v.object({ type: v.literal('message'), ...Message.entries }),
    ]),
  ),
  ...pagedPayload,
});

export const ImportConversationsRequest = v.looseObject({
  rows: v.array(
    v.variant('type', [
      v.looseObject({ type: v.literal('conversation'), ...pushedConversation }),
      v.looseObject({ type: v.literal('message'), ...pushedMessage }),
    ]),
  ),
});
export const ImportConversationsPayload = SyncPushPayload;
