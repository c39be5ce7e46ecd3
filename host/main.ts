import { start } from './start.ts';

/** The entry point under Node.js; `packaged-main.ts` is that of the packaged host. */
await start({
  entry: new URL(import.meta.url),
  args: process.argv.slice(2),
  loadRunner: () => import('./engine/runner/runner.ts'),
  loadKeychain: () => import('./secrets/keychain-process.ts'),
});
