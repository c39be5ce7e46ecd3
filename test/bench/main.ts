import type { BenchResult } from './result.ts';

/**
 * `npm run bench [name …]` runs all benchmarks, or the named ones. Most results are ratios to a peer in the same run,
 * since absolute times mean little on a shared machine. The exit code is 1 if a goal is missed.
 */
const BENCHES: Record<string, () => Promise<{ run(): Promise<BenchResult[]> }>> = {
  startup: () => import('./startup.ts'),
  packaged: () => import('./packaged.ts'),
  listing: () => import('./listing.ts'),
  framing: () => import('./framing.ts'),
  engine: () => import('./engine.ts'),
  generation: () => import('./generation.ts'),
  serve: () => import('./serve.ts'),
  reuse: () => import('./reuse.ts'),
  lookup: () => import('./lookup.ts'),
  draft: () => import('./draft.ts'),
  parallel: () => import('./parallel.ts'),
  threads: () => import('./threads.ts'),
  fit: () => import('./fit.ts'),
  speed: () => import('./speed.ts'),
  gpu: () => import('./gpu.ts'),
  stopping: () => import('./stopping.ts'),
  download: () => import('./download.ts'),
  popup: () => import('./popup.ts'),
  views: () => import('./views.ts'),
  fuzz: () => import('./fuzz.ts'),
  hostile: () => import('./hostile.ts'),
  sandbox: () => import('./sandbox.ts'),
  cycles: () => import('./cycles.ts'),
  conversations: () => import('./conversations.ts'),
  talk: () => import('./talk.ts'),
  state: () => import('./state.ts'),
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(BENCHES);
let missed = 0;
for (const name of names) {
  const load = BENCHES[name];
  if (load === undefined) {
    console.error(`Unknown benchmark "${name}". Expected one of ${Object.keys(BENCHES).join(', ')}.`);
    process.exit(2);
  }
  const { run } = await load();
  for (const result of await run()) {
    console.log(`${result.ok ? '✓' : '✗'} ${result.name}: ${result.ratio.toFixed(3)} (goal: ${result.goal})`);
    console.log(`    ${result.detail}`);
    if (!result.ok) missed += 1;
  }
}
process.exitCode = missed === 0 ? 0 : 1;
