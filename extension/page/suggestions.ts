import { isChatModel } from './capabilities.ts';
import { fitOf } from './fit.ts';
import type { ModelRow } from './model-rows.ts';
import type { Snapshot } from './snapshot.ts';

/** A model to start with, and why. */
export interface Suggestion {
  readonly row: ModelRow;
  readonly reason: 'best' | 'balanced' | 'smallest';
}

/** Largest suggested model compared to the free memory: a larger one fits, but leaves nothing for other programs. */
const MAX_MEMORY_SHARE = 0.5;

/** Returns up to three chat models that suit this computer, the largest first. */
export function suggestModels(rows: readonly ModelRow[], machine: Snapshot['machine']): Suggestion[] {
  if (machine === undefined) return [];
  const fitting = rows
    .filter((row) => row.isSuggested && row.stage === 'available' && isChatModel(row) && !row.needsToken)
    .filter(({ size }) => {
      const fit = fitOf(size, machine);
      return fit === 'gpu' || (fit === 'memory' && size <= machine.available_ram * MAX_MEMORY_SHARE);
    })
    .sort((a, b) => b.size - a.size);
  const [best] = fitting;
  if (best === undefined) return [];
  const smallest = fitting.at(-1);
  const balanced = fitting[Math.floor(fitting.length / 2)];
  const chosen: Suggestion[] = [{ row: best, reason: 'best' }];
  if (balanced !== undefined && balanced !== best && balanced !== smallest) {
    chosen.push({ row: balanced, reason: 'balanced' });
  }
  if (smallest !== undefined && smallest !== best) chosen.push({ row: smallest, reason: 'smallest' });
  return chosen;
}
