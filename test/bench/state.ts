import { shrink } from '../support/state/shrink.ts';
import { runSteps } from '../support/state/state-run.ts';
import { makeSteps, type Step } from '../support/state/steps.ts';
import type { BenchResult } from './result.ts';

/** Number of steps per run. Each run has its own data folder. */
const STEPS_PER_RUN = 150;
/** Time limit for shrinking a failing sequence, in milliseconds. */
const SHRINK_MS = 10 * 60_000;

/**
 * Runs random sequences of actions on up to three hosts that share a data folder. After each action, the replies of
 * every host and the files on the disk must match a model of the state. The environment variables `TABAGENT_STATE_SEED`
 * (default: the time) and `TABAGENT_STATE_STEPS` (default: 3,000) set the seed and the number of steps. A failing
 * sequence is shrunk and printed.
 */
export async function run(): Promise<BenchResult[]> {
  const seed = Number(process.env.TABAGENT_STATE_SEED ?? Date.now() % 1_000_000);
  const total = Number(process.env.TABAGENT_STATE_STEPS ?? 3_000);
  let done = 0;
  for (let round = 0; done < total; round += 1) {
    const steps = makeSteps(seed + round, Math.min(STEPS_PER_RUN, total - done));
    const failure = await runSteps(steps);
    if (failure !== undefined) {
      console.log(`Seed ${seed + round}, step ${failure.at}: ${failure.what}`);
      return [
        { name: 'state', ratio: done / total, goal: 'no failure', ok: false, detail: await shortest(steps, failure) },
      ];
    }
    done += steps.length;
    console.log(`Seed ${seed + round}: ${steps.length} steps`);
  }
  const detail = `${done} steps from seed ${seed}; all hosts matched the model after each`;
  return [{ name: 'state', ratio: 1, goal: 'no failure', ok: true, detail }];
}

async function shortest(steps: readonly Step[], { at, what }: { at: number; what: string }): Promise<string> {
  const { items, failure } = await shrink(steps.slice(0, at + 1), what, {
    replay: async (shorter) => {
      const found = (await runSteps(shorter))?.what;
      return found !== undefined && kindOf(found) === kindOf(what) ? found : undefined;
    },
    limitMs: SHRINK_MS,
  });
  return [failure, ...items.map((step) => JSON.stringify(step))].join('\n    ');
}

/** Returns the expectation in a failure message, without the actual value. */
function kindOf(failure: string): string {
  return failure.split('; found')[0] ?? failure;
}
