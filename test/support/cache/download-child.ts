import { NAME, openCache, quickConfig } from './cache-fixture.ts';

/**
 * Downloads the fixture's model in a separate process, which a test can kill. Environment variables configure the
 * folder, the hub, and limits (as JSON in `TEST_LIMITS`). Each line of the output is the number of downloaded bytes;
 * the last line is `done`.
 */
const { cache, close } = await openCache(quickConfig(process.env, JSON.parse(process.env.TEST_LIMITS ?? '{}')));
await cache.download(NAME, { onProgress: ({ downloaded }) => process.stdout.write(`${downloaded}\n`) });
process.stdout.write('done\n');
await close();
