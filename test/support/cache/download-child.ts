import { NAME, openCache, quickConfig } from './cache-bench.ts';

/**
 * Downloads the bench's model in its own process, so that a test can kill it. The environment names the folder, the hub, and limits
 * as JSON in `TEST_LIMITS`. Each line of the output is the number of downloaded bytes; the last is `done`.
 */
const { cache, close } = await openCache(quickConfig(process.env, JSON.parse(process.env.TEST_LIMITS ?? '{}')));
await cache.download(NAME, { onProgress: ({ downloaded }) => process.stdout.write(`${downloaded}\n`) });
process.stdout.write('done\n');
await close();
