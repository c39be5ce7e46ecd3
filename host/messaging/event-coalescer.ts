import type { HostEvent } from '../protocol/messages.ts';

/**
 * Pending events for a client that reads slowly. Keeps only the newest event for each request, event type and subject,
 * which limits their number.
 */
export class EventCoalescer<Owner extends object> {
  readonly #byOwner = new Map<Owner, Map<string, HostEvent>>();

  /** Returns whether there are pending events of `owner`. */
  has(owner: Owner): boolean {
    return this.#byOwner.has(owner);
  }

  /** Adds an event, which replaces a pending one with the same key. */
  add(owner: Owner, key: string, event: HostEvent): void {
    const events = this.#byOwner.get(owner) ?? new Map<string, HostEvent>();
    this.#byOwner.set(owner, events);
    // Delete first: the event must follow those that were added after the replaced one.
    events.delete(key);
    events.set(key, event);
  }

  /** Removes and returns all events of `owner`, oldest first. */
  take(owner: Owner): HostEvent[] {
    const events = [...(this.#byOwner.get(owner)?.values() ?? [])];
    this.#byOwner.delete(owner);
    return events;
  }

  /** Removes and returns all events of the owner that has waited longest; an empty list if there are no events. */
  takeNext(): HostEvent[] {
    for (const owner of this.#byOwner.keys()) return this.take(owner);
    return [];
  }
}

/** Returns the key with which events of a request replace each other: their type and some fields of their payload. */
export function coalescingKey({ type, payload }: HostEvent, fields: readonly string[]): string {
  const values = new Map<string, unknown>(Object.entries(payload));
  return JSON.stringify([type, ...fields.map((field) => values.get(field))]);
}
