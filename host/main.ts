import { start } from './start.ts';

/** The entry point when the host runs under Node.js. The packaged host starts with `packaged-main.ts`. */
await start({
  entry: new URL(import.meta.url),
  args: process.argv.slice(2),
  loadRunner: () => import('./engine/runner/runner.ts'),
  loadKeychain: () => import('./secrets/keychain-process.ts'),
});
