/** A request's place in the line. */
export interface Place {
  frame: Uint8Array | undefined;
}

/**
 * The replies to requests without a `requestId`, which go out in the order of the requests though the work overlaps: a
 * reply waits here until every earlier one is there.
 */
export class ReplyLine {
  readonly #places: Place[] = [];
  #waiting = 0;
  #waitingBytes = 0;

  /** Replies that wait for an earlier one. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Bytes of those. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Takes the place behind all others. */
  join(): Place {
    const place: Place = { frame: undefined };
    this.#places.push(place);
    return place;
  }

  /** Puts a reply in its place and takes out those whose turn it now is, in order. */
  fill(place: Place, frame: Uint8Array): Uint8Array[] {
    place.frame = frame;
    this.#waiting += 1;
    this.#waitingBytes += frame.length;
    const ready: Uint8Array[] = [];
    for (let next = this.#places[0]?.frame; next !== undefined; next = this.#places[0]?.frame) {
      this.#places.shift();
      this.#waiting -= 1;
      this.#waitingBytes -= next.length;
      ready.push(next);
    }
    return ready;
  }
}
