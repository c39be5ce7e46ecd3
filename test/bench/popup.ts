import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BROWSERS, BrowserFixture, type BrowserKind } from '../support/extension/browser-fixture.ts';
import { findProgram } from '../support/find-program.ts';
import type { BenchResult } from './result.ts';

/** How often the popup is opened. The result is the median. */
const ROUNDS = 9;
const GOAL_MS = 100;

const EMPTY = 'empty.html';

/**
 * Measures the time from opening the popup to its largest contentful paint: the models that were listed when it was
 * last open, which do not depend on the host. For comparison, measures a page of the extension with a single word.
 */
export async function run(): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const kind of BROWSERS) {
    const program = findProgram(...kind.programs);
    if (program === undefined) console.log(`  Skipping ${kind.name}: it is not installed`);
    else results.push(await timePopup(kind, program));
  }
  return results;
}

async function timePopup(kind: BrowserKind, program: string): Promise<BenchResult> {
  const extension = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  await cp(kind.extension, extension, { recursive: true });
  await writeFile(join(extension, EMPTY), '<!DOCTYPE html><meta charset="utf-8"><title>Empty</title><p>Empty</p>');
  const bench = await BrowserFixture.open({ ...kind, extension }, program, { repos: {} });
  try {
    bench.install();
    const first = await bench.page('popup.html');
    await first.waitForText('header', 'Connected');
    await first.waitForElement('[data-model]');
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      theirs.push(Number(await (await bench.page(EMPTY)).evaluate(LARGEST_PAINT)));
      const page = await bench.page('popup.html');
      await page.waitForElement('[data-model]');
      ours.push(Number(await page.evaluate(LARGEST_PAINT)));
    }
    return {
      name: `popup in ${kind.name}, opening to largest contentful paint, ms`,
      ratio: median(ours),
      goal: `at most ${GOAL_MS}`,
      ok: median(ours) <= GOAL_MS,
      detail: `median of ${ROUNDS}; a page with a single word takes ${median(theirs).toFixed(0)} ms`,
    };
  } finally {
    await bench.close();
    await rm(extension, { recursive: true });
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** Evaluates to the time of the largest contentful paint, in milliseconds since the page was opened. */
const LARGEST_PAINT = `new Promise((resolve) => {
  new PerformanceObserver((list) => resolve(list.getEntries().at(-1).startTime))
    .observe({ type: 'largest-contentful-paint', buffered: true });
})`;
