/** The position of a request in a {@link ReplyQueue}. */
export interface ReplySlot {
  frame: Uint8Array | undefined;
}

/**
 * The replies to requests without a `requestId`. They must be sent in the order of the requests, which are processed
 * concurrently: a reply waits here until all earlier ones are ready.
 */
export class ReplyQueue {
  readonly #slots: ReplySlot[] = [];
  #waiting = 0;
  #waitingBytes = 0;

  /** Number of replies that wait for an earlier one. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Total size of these replies, in bytes. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Adds a slot at the end of the queue. */
  add(): ReplySlot {
    const slot: ReplySlot = { frame: undefined };
    this.#slots.push(slot);
    return slot;
  }

  /** Stores a reply in its slot. Removes and returns the replies that can be sent now, in order. */
  fill(slot: ReplySlot, frame: Uint8Array): Uint8Array[] {
    slot.frame = frame;
    this.#waiting += 1;
    this.#waitingBytes += frame.length;
    const ready: Uint8Array[] = [];
    for (let next = this.#slots[0]?.frame; next !== undefined; next = this.#slots[0]?.frame) {
      this.#slots.shift();
      this.#waiting -= 1;
      this.#waitingBytes -= next.length;
      ready.push(next);
    }
    return ready;
  }
}
