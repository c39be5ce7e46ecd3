import { pathToFileURL } from 'node:url';
import { start } from './start.ts';

/**
 * The entry point of the packaged host, a Node.js single-executable application. The executable contains everything
 * that is needed to start; the rest is in `lib/` beside it.
 */
const entry = pathToFileURL(process.execPath);

void start({
  entry,
  args: process.argv.slice(2),
  loadRunner: () => import(new URL('lib/runner/runner.js', entry).href),
  loadKeychain: () => import(new URL('lib/keychain/keychain.js', entry).href),
});
