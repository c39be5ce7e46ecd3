/** How one connection does. */
export interface ConnectionRate {
  /** Milliseconds since it was made. */
  readonly ageMs: number;
  /** Bytes a second, of late. */
  readonly rate: number;
}

/** A connection younger than this may still be getting up to speed, milliseconds. */
const GROWN_UP_MS = 2_000;

/** Far below: under this part of what the others bring, in the middle. */
const FAR_BELOW = 0.25;

/** The connections that are far below the others: another one in their place is likely to be quicker. */
export function farBelow<C extends ConnectionRate>(connections: readonly C[]): C[] {
  if (connections.length < 2) return [];
  return connections.filter((connection) => {
    if (connection.ageMs < GROWN_UP_MS) return false;
    const others = connections.filter((other) => other !== connection).map(({ rate }) => rate);
    return connection.rate < FAR_BELOW * upperMiddle(others);
  });
}

/** With half of all connections slow, the middle of the others is a quick one. */
function upperMiddle(rates: number[]): number {
  return rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)] ?? 0;
}
