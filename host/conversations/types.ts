/** A conversation. Times are Unix seconds, fractions allowed, as whoever wrote it last said. */
export interface Conversation {
  readonly id: string;
  readonly user_id: string;
  readonly title: string;
  readonly topic: string | null;
  readonly domain: string | null;
  readonly created_at: number;
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

/** What travels between the host and a client that keeps a copy: rows as they are, and which of them are deleted. */
export interface Synced {
  readonly conversations: readonly (Conversation & { readonly deleted: boolean })[];
  readonly messages: readonly (Message & { readonly deleted: boolean })[];
}

/** What a push came to: `skipped` were older than what is here, or the same. */
export interface SyncCount {
  readonly synced: number;
  readonly skipped: number;
}

/** Some of a list, and how long the whole of it is. */
export interface Slice<T> {
  readonly items: readonly T[];
  readonly total: number;
}
