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
}

/** A message of a conversation. */
export interface Message {
  readonly id: string;
  readonly conversation_id: string;
  readonly role: string;
  readonly content: string;
  readonly created_at: number;
  readonly updated_at: number;
}

/** A conversation as the database stores it and as copies exchange it. */
export interface ConversationRow extends Conversation {
  /** The time of the last change of user, title, topic or domain; 0 if only messages of the conversation are known. */
  readonly title_updated_at: number;
  /** How many conversations of this id were deleted before this one was created. */
  readonly incarnation: number;
  readonly deleted: boolean;
}

/** A message as the database stores it and as copies exchange it. */
export interface MessageRow extends Message {
  /** The incarnation of the conversation that the message belongs to. */
  readonly incarnation: number;
  /** The order of messages of the same time. */
  readonly position: number;
  readonly deleted: boolean;
}

/** The fields of a row that only this host adds. Clients with their own database may omit them. */
type Extended = 'title_updated_at' | 'incarnation' | 'position';

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
}

/** The limits of a page. A page has at least one item even if that is larger. */
export interface PageLimits {
  readonly count: number;
  /** Size of the items as JSON, bytes. */
  readonly bytes: number;
}
