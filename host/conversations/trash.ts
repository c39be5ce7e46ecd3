import type { ConversationRow, MessageRow } from './types.ts';

/** How long a deletion can be undone, milliseconds. */
export const RESTORE_MS = 10 * 60 * 1000;

/** Most text of all conversations whose deletion can be undone together, characters. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/** A conversation as it was before it was deleted. */
export interface DeletedConversation {
  readonly conversation: ConversationRow;
  readonly messages: readonly MessageRow[];
}

/**
 * The conversations whose deletion can be undone. They are in memory only: nothing of them remains on the disk, and the
 * end of the host makes the deletion final.
 */
export class Trash {
  readonly #deleted = new Map<
    string,
    DeletedConversation & { readonly timer: NodeJS.Timeout; readonly size: number }
  >();

  /** Adds a conversation; the oldest ones are dropped if there is too much text. */
  add(deleted: DeletedConversation): void {
    const { id } = deleted.conversation;
    this.take(id);
    const timer = setTimeout(() => this.#deleted.delete(id), RESTORE_MS);
    timer.unref();
    const size = deleted.messages.reduce((total, { content, details }) => total + content.length + sizeOf(details), 0);
    this.#deleted.set(id, { ...deleted, timer, size });
    let total = [...this.#deleted.values()].reduce((sum, entry) => sum + entry.size, 0);
    for (const [oldest, entry] of this.#deleted) {
      if (total <= MAX_CHARACTERS) break;
      total -= entry.size;
      this.take(oldest);
    }
  }

  /** Returns a conversation and removes it from the trash. */
  take(id: string): DeletedConversation | undefined {
    const entry = this.#deleted.get(id);
    clearTimeout(entry?.timer);
    this.#deleted.delete(id);
    return entry;
  }
}

function sizeOf(details: object | null): number {
  return details === null ? 0 : JSON.stringify(details).length;
}
