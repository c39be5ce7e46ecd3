/**
 * The number of single-character changes (insert, delete, exchange, swap of neighbours) that make one text of another:
 * the Damerau–Levenshtein distance in its "optimal string alignment" form.
 */
export function distance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current.push(
        Math.min(
          at(last, column) + 1,
          at(current, column - 1) + 1,
          at(last, column - 1) + (same ? 0 : 1),
          swapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}

/** Longest text compared, characters. No name a person typed is longer, and the work grows with the square. */
const MAX_LENGTH = 200;

/**
 * The choices someone may have meant, nearest first, at most three. Case does not count; a beginning of a choice is as
 * near as one wrong letter; more than a third of the letters wrong is another word.
 */
export function suggest(typed: string, choices: readonly string[]): string[] {
  const wanted = typed.toLowerCase().slice(0, MAX_LENGTH);
  if (wanted === '') return [];
  const near = [...new Set(choices)].map((choice) => {
    const known = choice.toLowerCase().slice(0, MAX_LENGTH);
    const begins = wanted.length >= 2 && known.startsWith(wanted);
    return { choice, changes: begins ? 1 : distance(wanted, known), limit: Math.max(1, Math.floor(known.length / 3)) };
  });
  return near
    .filter(({ changes, limit }) => changes <= limit)
    .sort((a, b) => a.changes - b.changes)
    .slice(0, 3)
    .map(({ choice }) => choice);
}

/** ` Did you mean "x" or "y"?`, or nothing. */
export function didYouMean(typed: string, choices: readonly string[]): string {
  const found = suggest(typed, choices).map((choice) => `"${choice}"`);
  return found.length === 0 ? '' : ` Did you mean ${found.join(' or ')}?`;
}
