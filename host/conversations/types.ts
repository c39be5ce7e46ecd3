import type { JsonObject } from '../common/json.ts';

/** The status of an answer: `streaming` while it is generated, then why it ended. Other messages are `done`. */
export type MessageStatus = 'streaming' | 'done' | 'stopped' | 'length' | 'failed';

/** A conversation. Times are Unix seconds with fractions. */
export interface Conversation {
  readonly id: string;
  readonly user_id: string;
  readonly title: string;
  readonly topic: string | null;
  readonly domain: string | null;
  readonly created_at: number;
  /** The time of the last change, including new messages. */
  readonly updated_at: number;
  readonly pinned: boolean;
  readonly system_prompt: string | null;
  /** The id of the model that answers; null for the active one. */
  readonly model: string | null;
  /** Settings of its generations that differ from the saved ones. */
  readonly settings: JsonObject | null;
}

/** The fields of a message besides its text, such as reasoning, tool calls, and the usage of its generation. */
export interface MessageDetails {
  readonly reasoning_content?: string | undefined;
  readonly tool_calls?: readonly JsonObject[] | undefined;
  readonly tool_call_id?: string | undefined;
  readonly name?: string | undefined;
  /** The content as a list of parts, if it is more than text. */
  readonly parts?: readonly JsonObject[] | undefined;
  readonly usage?: JsonObject | undefined;
}

/** A message of a conversation. */
export interface Message {
  readonly id: string;
  readonly conversation_id: string;
  readonly role: string;
  readonly content: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly status: MessageStatus;
  /** The id of the model that generated it. */
  readonly model: string | null;
  readonly details: MessageDetails | null;
}

/** A message of the branch that a conversation shows. */
export interface ShownMessage extends Message {
  /** The message before it; null for the first one. */
  readonly parent_id: string | null;
  /** The ids of this message and its alternatives, oldest first; absent if there are none. */
  readonly siblings?: readonly string[];
}

/** A conversation as the database stores it and as copies exchange it. */
export interface ConversationRow extends Conversation {
  /** The time of the last change of user, title, topic, domain or settings; 0 if only messages of it are known. */
  readonly title_updated_at: number;
  /** The message whose branch is shown; null for the newest one. */
  readonly selected_id: string | null;
  /** When it was selected. */
  readonly selected_at: number;
  /** How many conversations of this id were deleted before this one was created. */
  readonly incarnation: number;
  readonly deleted: boolean;
}

/** A message as the database stores it and as copies exchange it. */
export interface MessageRow extends Message {
  /** The message before it; `''` if it is the first one, null if it follows the previous one in time. */
  readonly parent_id: string | null;
  /** The incarnation of the conversation that the message belongs to. */
  readonly incarnation: number;
  /** The order of messages of the same time. */
  readonly position: number;
  readonly deleted: boolean;
}

/** Fields of a row that only this host defines. If clients with their own database omit them, they are not changed. */
type Extended =
  | 'title_updated_at'
  | 'incarnation'
  | 'position'
  | 'pinned'
  | 'system_prompt'
  | 'model'
  | 'settings'
  | 'selected_id'
  | 'selected_at'
  | 'status'
  | 'details'
  | 'parent_id';

type Pushed<T> = Omit<T, Extended> & { readonly [K in keyof T as K extends Extended ? K : never]?: T[K] | undefined };

export type PushedConversation = Pushed<ConversationRow>;
export type PushedMessage = Pushed<MessageRow>;

/** Rows from a client with its own database. */
export interface PushedRows {
  readonly conversations: readonly PushedConversation[];
  readonly messages: readonly PushedMessage[];
}

/** The number of rows that a push applied and skipped. */
export interface SyncCount {
  readonly synced: number;
  readonly skipped: number;
}

/** The result of a push. */
export interface PushResult {
  readonly conversations: SyncCount;
  readonly messages: SyncCount;
  /** Messages that were not stored because a message of another conversation has their id. */
  readonly refused: readonly { readonly id: string; readonly conversation_id: string }[];
}

/** A page of a list. */
export interface Slice<T> {
  readonly items: readonly T[];
  /** The length of the whole list. */
  readonly total: number;
  /** Where the next page starts; absent on the last page. */
  readonly nextCursor?: string;
  /** Where the previous page ends, in a list that is read from its end; absent on the first page. */
  readonly previousCursor?: string;
}

/** The limits of a page. A page has at least one item even if that is larger. */
export interface PageLimits {
  readonly count: number;
  /** Size of the items as JSON, bytes. */
  readonly bytes: number;
}
