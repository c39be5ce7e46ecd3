import { pathToFileURL } from 'node:url';
import { start } from './start.ts';

/**
 * The host as an executable of its own. What a start needs is inside the executable; the rest lies in `lib/` beside it.
 * The executable is its own main file: started by whomever, it runs this first.
 */
const entry = pathToFileURL(process.execPath);

void start({
  entry,
  args: process.argv.slice(2),
  loadRunner: () => import(new URL('lib/runner/runner.js', entry).href),
  loadKeychain: () => import(new URL('lib/keychain/keychain.js', entry).href),
});
