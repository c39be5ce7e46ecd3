import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExtensionBench, TRIED_BROWSERS, type TriedBrowser } from '../support/extension/bench.ts';
import { findProgram } from '../support/find-program.ts';
import type { BenchResult } from './result.ts';

/** Times it is opened; the median counts. */
const ROUNDS = 9;
const GOAL_MS = 100;

const EMPTY = 'empty.html';

/**
 * From the opening of the popup to its largest content on the screen: the models it knew when it was last open, which
 * wait for no host. Beside it, what the same browser takes for a page of the extension with a word on it.
 */
export async function run(): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const tried of TRIED_BROWSERS) {
    const program = findProgram(...tried.programs);
    if (program === undefined) console.log(`  Without ${tried.name}: it is not installed`);
    else results.push(await timePopup(tried, program));
  }
  return results;
}

async function timePopup(tried: TriedBrowser, program: string): Promise<BenchResult> {
  const extension = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  await cp(tried.extension, extension, { recursive: true });
  await writeFile(join(extension, EMPTY), '<!DOCTYPE html><meta charset="utf-8"><title>Empty</title><p>Empty</p>');
  const bench = await ExtensionBench.open({ ...tried, extension }, program, { repos: {} });
  try {
    bench.install();
    const first = await bench.page('popup.html');
    await first.reads('header', 'Connected');
    await first.has('[data-model]');
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      theirs.push(Number(await (await bench.page(EMPTY)).evaluate(DRAWN)));
      const page = await bench.page('popup.html');
      await page.has('[data-model]');
      ours.push(Number(await page.evaluate(DRAWN)));
    }
    return {
      name: `the popup in ${tried.name}, from its opening to its largest content, ms`,
      ratio: median(ours),
      goal: `at most ${GOAL_MS}`,
      ok: median(ours) <= GOAL_MS,
      detail: `median of ${ROUNDS}; a page with a word on it takes ${median(theirs).toFixed(0)} ms here`,
    };
  } finally {
    await bench.close();
    await rm(extension, { recursive: true });
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** When the largest content was first drawn, milliseconds since the page was opened. */
const DRAWN = `new Promise((resolve) => {
  new PerformanceObserver((list) => resolve(list.getEntries().at(-1).startTime))
    .observe({ type: 'largest-contentful-paint', buffered: true });
})`;
