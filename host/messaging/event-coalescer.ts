import type { HostEvent } from '../protocol/messages.ts';

/**
 * Events that wait for a client that reads slowly: for each request, event type and subject only the newest, so that
 * their number does not grow with time.
 */
export class EventCoalescer<Owner extends object> {
  readonly #byOwner = new Map<Owner, Map<string, HostEvent>>();

  /** Returns whether any event of `owner` is waiting. */
  has(owner: Owner): boolean {
    return this.#byOwner.has(owner);
  }

  /** Adds an event, which replaces a waiting one with the same key. */
  add(owner: Owner, key: string, event: HostEvent): void {
    const events = this.#byOwner.get(owner) ?? new Map<string, HostEvent>();
    this.#byOwner.set(owner, events);
    // Removed first, so that it follows the events that were added after the one it replaces.
    events.delete(key);
    events.set(key, event);
  }

  /** Removes and returns all events of `owner`, oldest first. */
  take(owner: Owner): HostEvent[] {
    const events = [...(this.#byOwner.get(owner)?.values() ?? [])];
    this.#byOwner.delete(owner);
    return events;
  }

  /** Removes and returns all events of the owner that has waited longest; none if no event is waiting. */
  takeNext(): HostEvent[] {
    for (const owner of this.#byOwner.keys()) return this.take(owner);
    return [];
  }
}

/** Returns the key by which events of one request replace each other: their type and these fields of their payload. */
export function coalescingKey({ type, payload }: HostEvent, fields: readonly string[]): string {
  const values = new Map<string, unknown>(Object.entries(payload));
  return JSON.stringify([type, ...fields.map((field) => values.get(field))]);
}
