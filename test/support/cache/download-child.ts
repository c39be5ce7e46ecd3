import { NAME, openCache, quickConfig } from './cache-bench.ts';

/**
 * Downloads the bench's model in a process of its own, to be killed. The environment names the folder and the hub. Each
 * line of the output is a number of bytes that are there; the last is `done`.
 */
const { cache, close } = await openCache(quickConfig(process.env));
await cache.download(NAME, { onProgress: ({ downloaded }) => process.stdout.write(`${downloaded}\n`) });
process.stdout.write('done\n');
await close();
