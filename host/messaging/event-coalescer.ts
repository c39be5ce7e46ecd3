import { COALESCED_EVENTS } from '../protocol/coalesced-events.ts';
import type { HostEvent } from '../protocol/messages.ts';

/**
 * Progress that waits for a slow reader: of each request, event type and piece of work only the newest, so that what
 * waits does not grow with time.
 */
export class EventCoalescer<Owner extends object> {
  readonly #byOwner = new Map<Owner, Map<string, HostEvent>>();

  /** Says whether anything of `owner` waits. */
  has(owner: Owner): boolean {
    return this.#byOwner.has(owner);
  }

  /** Keeps an event in place of an older one of the same kind. Only for those in {@link COALESCED_EVENTS}. */
  hold(owner: Owner, key: string, event: HostEvent): void {
    const events = this.#byOwner.get(owner) ?? new Map<string, HostEvent>();
    this.#byOwner.set(owner, events);
    // Taken out first, so that it stands behind what was said since the older one.
    events.delete(key);
    events.set(key, event);
  }

  /** Everything of `owner` that waits, oldest first; it waits no longer. */
  take(owner: Owner): HostEvent[] {
    const events = [...(this.#byOwner.get(owner)?.values() ?? [])];
    this.#byOwner.delete(owner);
    return events;
  }

  /** The same for whoever has waited longest. Nothing when nothing waits. */
  takeNext(): HostEvent[] {
    for (const owner of this.#byOwner.keys()) return this.take(owner);
    return [];
  }
}

/**
 * Which events replace each other while the reader is slow: those of one request with the same key. `undefined` for an
 * event that must not be lost.
 */
export function coalescingKey(event: HostEvent): string | undefined {
  const fields: readonly string[] | null = COALESCED_EVENTS[event.type];
  if (fields === null) return undefined;
  const payload = new Map<string, unknown>(Object.entries(event.payload));
  return JSON.stringify([event.type, ...fields.map((field) => payload.get(field))]);
}
