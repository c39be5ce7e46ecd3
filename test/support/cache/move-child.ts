import { relocateCache } from '../../../host/cache/relocation/relocate-cache.ts';
import { createLogger } from '../../../host/common/log.ts';
import { readConfig } from '../../../host/config.ts';

/**
 * Moves a cache in a separate process, which a test can kill. Each line of the output is the number of moved bytes; the
 * last line is `done`.
 */
const { paths } = readConfig({ runnerEntry: new URL('file:///'), env: process.env });
await relocateCache({
  paths,
  to: process.env.MOVE_TO ?? '',
  signal: new AbortController().signal,
  onProgress: ({ moved }) => process.stdout.write(`${moved}\n`),
  log: createLogger({ file: paths.logFile, debug: false }),
  ...(process.env.MOVE_METHOD === 'copy' ? { method: 'copy' } : {}),
});
process.stdout.write('done\n');
