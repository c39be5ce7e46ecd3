import { shrink } from '../support/state/shrink.ts';
import { runSteps } from '../support/state/state-run.ts';
import { makeSteps, type Step } from '../support/state/steps.ts';
import type { BenchResult } from './result.ts';

/** Steps of one run, each with a data folder of its own. */
const STEPS_AT_ONCE = 150;
/** Time for finding a shorter sequence that fails too, milliseconds. */
const SHRINK_MS = 10 * 60_000;

/**
 * Random sequences of actions on up to three hosts that share a data folder: after each action every host must say, and
 * the disk must contain, what a model of the state says. Options, as environment variables: `TABAGENT_STATE_SEED` (default: the
 * time) and `TABAGENT_STATE_STEPS` (default: 3,000). A failing sequence is shortened and printed.
 */
export async function run(): Promise<BenchResult[]> {
  const seed = Number(process.env.TABAGENT_STATE_SEED ?? Date.now() % 1_000_000);
  const total = Number(process.env.TABAGENT_STATE_STEPS ?? 3_000);
  let done = 0;
  for (let round = 0; done < total; round += 1) {
    const steps = makeSteps(seed + round, Math.min(STEPS_AT_ONCE, total - done));
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
  const detail = `${done} steps from seed ${seed}; all hosts agreed with the model after each`;
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

/** What was expected, without what was found instead. */
function kindOf(failure: string): string {
  return failure.split('; found')[0] ?? failure;
}
