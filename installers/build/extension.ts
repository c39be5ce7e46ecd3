import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the extension is made of. */
const SOURCES = ['extension', 'host/protocol', 'manifests', 'installers/build', 'package.json', 'package-lock.json'];

/**
 * Makes the extension for both browsers, and their store archives, in `dist/extension/`. It is left as it is where
 * nothing it is made of has changed: it takes longer than the host.
 */
export async function buildExtension(root: string): Promise<void> {
  const out = join(root, 'dist', 'extension');
  const stamp = join(out, '.built-from');
  const sources = hashOf(root);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  rmSync(out, { recursive: true, force: true });
  const { zip } = await import('wxt');
  for (const browser of ['chrome', 'firefox']) {
    await zip({ root: join(root, 'extension'), browser, logger: quiet, debug: false });
  }
  writeFileSync(stamp, sources);
}

function hashOf(root: string): string {
  const sum = createHash('sha256');
  for (const path of SOURCES.flatMap((name) => filesOf(join(root, name)))) {
    sum.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  }
  return sum.digest('hex');
}

function filesOf(path: string): string[] {
  if (/\.json$/.test(path)) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('.wxt'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** WXT's own logger lists every file it wrote; only what went wrong is worth a line. */
const quiet = {
  debug() {},
  log() {},
  info() {},
  success() {},
  warn: (...said: unknown[]) => console.warn(...said),
  error: (...said: unknown[]) => console.error(...said),
  fatal: (...said: unknown[]) => console.error(...said),
  level: 2,
};
