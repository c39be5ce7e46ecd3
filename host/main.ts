import { start } from './start.ts';

/** The host as a program of Node: `node dist/host/main.js …`. */
await start({
  entry: new URL(import.meta.url),
  args: process.argv.slice(2),
  loadRunner: () => import('./engine/runner/runner.ts'),
  loadKeychain: () => import('./secrets/keychain-process.ts'),
});
