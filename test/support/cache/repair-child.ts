import { NAME, openCache, quickConfig } from './cache-bench.ts';

/**
 * Repairs the bench's model in its own process, so that a test can kill it. The environment names the folder and the hub. Each
 * progress is a line of the output; the last is `done`.
 */
const { cache, close } = await openCache(quickConfig(process.env));
await cache.verifier.repair(NAME, {
  signal: new AbortController().signal,
  onProgress: ({ phase, done }) => process.stdout.write(`${phase} ${done}\n`),
});
process.stdout.write('done\n');
await close();
