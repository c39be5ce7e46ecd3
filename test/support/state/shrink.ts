/** Options for {@link shrink}. */
export interface ShrinkOptions<T> {
  /** Replays the items. Returns the failure message; undefined if nothing fails. */
  readonly replay: (items: readonly T[]) => Promise<string | undefined>;
  /** Time limit in milliseconds, after which the shortest sequence so far is returned. */
  readonly limitMs: number;
}

/**
 * Removes items from a failing sequence while it still fails: first halves, then smaller and smaller parts. Returns the
 * shortest sequence found and its failure message.
 */
export async function shrink<T>(
  failing: readonly T[],
  failure: string,
  { replay, limitMs }: ShrinkOptions<T>,
): Promise<{ items: readonly T[]; failure: string }> {
  const end = performance.now() + limitMs;
  let best = { items: failing, failure };
  for (let size = Math.ceil(best.items.length / 2); size >= 1; ) {
    let hasShrunk = false;
    for (let at = 0; at < best.items.length; ) {
      if (performance.now() > end) return best;
      const items = best.items.toSpliced(at, size);
      const found = items.length === 0 ? undefined : await replay(items);
      if (found === undefined) at += size;
      else {
        best = { items, failure: found };
        hasShrunk = true;
      }
    }
    if (size === 1 && !hasShrunk) return best;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return best;
}
