import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entriesOf } from '../package/entry.ts';
import { zip } from '../package/zip.ts';

/** Files and folders that the extension is built from. */
const SOURCES = [
  'extension',
  'host/protocol',
  'manifests',
  'installers/build',
  'installers/package',
  'package.json',
  'package-lock.json',
];

/**
 * Builds the extension for both browsers, and the archives for their stores, in `dist/extension/`. Does nothing if no
 * source has changed, because this build takes longer than the host's.
 */
export async function buildExtension(root: string): Promise<void> {
  const out = join(root, 'dist', 'extension');
  const stamp = join(out, '.built-from');
  const sources = hashOf(root);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  rmSync(out, { recursive: true, force: true });
  const { build } = await import('wxt');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const browser of ['chrome', 'firefox']) {
    await build({ root: join(root, 'extension'), browser, logger: quiet, debug: false });
    writeFileSync(join(out, `tabagent-${browser}-${version}.zip`), storeArchive(join(out, browser)));
  }
  writeFileSync(stamp, sources);
}

/**
 * Returns the archive for a browser's store: the files of the folder, without `key` in the manifest. The key is for
 * extensions that are loaded unpacked; a store assigns its own key, and the Chrome Web Store refuses any other.
 */
export function storeArchive(folder: string): Buffer {
  const [own, ...entries] = entriesOf(folder);
  if (own === undefined) throw new Error(`Expected the folder ${folder}`);
  const inside = entries.map((entry) => ({ ...entry, name: entry.name.slice(own.name.length + 1) }));
  return Buffer.concat([
    ...zip(
      inside.map((entry) => (entry.name === 'manifest.json' ? { ...entry, read: () => keyless(entry.read()) } : entry)),
    ),
  ]);
}

function keyless(manifest: Buffer): Buffer {
  const { key: _, ...rest } = JSON.parse(manifest.toString());
  return Buffer.from(JSON.stringify(rest));
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

/** A logger for WXT that prints only warnings and errors: the default one lists every file. */
const quiet = {
  debug() {},
  log() {},
  info() {},
  success() {},
  warn: (...values: unknown[]) => console.warn(...values),
  error: (...values: unknown[]) => console.error(...values),
  fatal: (...values: unknown[]) => console.error(...values),
  level: 2,
};
