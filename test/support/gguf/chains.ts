import { type Chain, START } from './markov-model.ts';

/** Two words that alternate forever: only a limit or a stop ends the output. */
export const ENDLESS: Chain = { [START]: { tick: 1 }, tick: { tock: 1 }, tock: { tick: 1 } };

/** A biased coin that is tossed forever. */
export const COIN: Chain = {
  [START]: { heads: 0.7, tails: 0.3 },
  heads: { heads: 0.7, tails: 0.3 },
  tails: { heads: 0.7, tails: 0.3 },
};
