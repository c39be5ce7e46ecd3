import { overlap } from '../common/text-overlap.ts';

/** Text, or a marker in it. */
export type Scanned = { readonly text: string } | { readonly marker: string };

/** Finds markers in text that arrives in pieces. Only a possible beginning of a marker waits for the next piece. */
export class MarkerScanner {
  readonly #markers: readonly string[];
  #pending = '';

  /** @param markers Texts, none of which is empty. If several match at a position, the longest is found. */
  constructor(markers: readonly string[]) {
    this.#markers = [...markers].sort((a, b) => b.length - a.length);
  }

  push(piece: string): Scanned[] {
    const scanned: Scanned[] = [];
    let rest = this.#pending + piece;
    for (let next = this.#first(rest); next !== undefined; next = this.#first(rest)) {
      if (next.at > 0) scanned.push({ text: rest.slice(0, next.at) });
      scanned.push({ marker: next.marker });
      rest = rest.slice(next.at + next.marker.length);
    }
    const waiting = Math.max(0, ...this.#markers.map((marker) => overlap(rest, marker)));
    this.#pending = rest.slice(rest.length - waiting);
    if (waiting < rest.length) scanned.push({ text: rest.slice(0, rest.length - waiting) });
    return scanned;
  }

  /** Returns the waiting text, at the end of the input. */
  flush(): Scanned[] {
    const text = this.#pending;
    this.#pending = '';
    return text === '' ? [] : [{ text }];
  }

  #first(text: string): { at: number; marker: string } | undefined {
    let first: { at: number; marker: string } | undefined;
    for (const marker of this.#markers) {
      const at = text.indexOf(marker);
      if (at >= 0 && (first === undefined || at < first.at)) first = { at, marker };
    }
    return first;
  }
}
