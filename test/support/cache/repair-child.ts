import { NAME, openCache, quickConfig } from './cache-fixture.ts';

/**
 * Repairs the fixture's model in a separate process, which a test can kill. Environment variables configure the folder
 * and the hub. Each line of the output is the phase and the processed bytes; the last line is `done`.
 */
const { cache, close } = await openCache(quickConfig(process.env));
await cache.verifier.repair(NAME, {
  signal: new AbortController().signal,
  onProgress: ({ phase, done }) => process.stdout.write(`${phase} ${done}\n`),
});
process.stdout.write('done\n');
await close();
