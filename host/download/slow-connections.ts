/** How one connection does. */
export interface ConnectionRate {
  /** Milliseconds since it was made. */
  readonly ageMs: number;
  /** Bytes a second, of late. */
  readonly rate: number;
}

/** A connection younger than this may still be getting up to speed, milliseconds. */
const GROWN_UP_MS = 2_000;

/** Far below: under this part of what a quick one brings. */
const FAR_BELOW = 0.25;

/** The connections that are far below the others: another one in their place is likely to be quicker. */
export function isSlow<C extends ConnectionRate>(connections: readonly C[]): C[] {
  if (connections.length < 2) return [];
  return connections.filter((connection) => {
    if (connection.ageMs < GROWN_UP_MS) return false;
    const others = connections.filter((other) => other !== connection).map(({ rate }) => rate);
    return connection.rate < FAR_BELOW * quickOne(others);
  });
}

/** The slowest of the quickest quarter: one that is quick by chance does not count, and most may be slow. */
function quickOne(rates: number[]): number {
  return rates.toSorted((a, b) => a - b)[Math.floor(rates.length * 0.75)] ?? 0;
}
