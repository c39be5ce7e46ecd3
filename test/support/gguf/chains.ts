import { type Chain, START } from './markov-model.ts';

/** Words in turn without end: only a limit or a stop ends its output. */
export const ENDLESS: Chain = { [START]: { tick: 1 }, tick: { tock: 1 }, tock: { tick: 1 } };

/** A coin that is thrown without end, and falls on one side more often. */
export const COIN: Chain = {
  [START]: { heads: 0.7, tails: 0.3 },
  heads: { heads: 0.7, tails: 0.3 },
  tails: { heads: 0.7, tails: 0.3 },
};
