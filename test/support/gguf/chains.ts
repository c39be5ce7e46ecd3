import { type Chain, START } from './markov-model.ts';

/** Two words that alternate endlessly, until a limit or a stop. */
export const ENDLESS: Chain = { [START]: { tick: 1 }, tick: { tock: 1 }, tock: { tick: 1 } };

/** Endless tosses of a biased coin. */
export const COIN: Chain = {
  [START]: { heads: 0.7, tails: 0.3 },
  heads: { heads: 0.7, tails: 0.3 },
  tails: { heads: 0.7, tails: 0.3 },
};
