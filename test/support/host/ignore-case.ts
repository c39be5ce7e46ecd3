import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, join } from 'node:path';

/**
 * Simulates a case-insensitive, case-preserving file system, as on Windows and macOS, in the folder in
 * `TEST_IGNORES_CASE_BELOW`. Loaded with `--import` before a host.
 */
const root = process.env.TEST_IGNORES_CASE_BELOW ?? '';
const { existsSync, readdirSync } = fs;

/** Returns the existing path that differs at most in case; if there is none, the path itself. */
function existingPath(path: string): string {
  if (!path.startsWith(root) || path.length <= root.length) return path;
  const folder = existingPath(dirname(path));
  const name = basename(path);
  if (existsSync(join(folder, name)) || !existsSync(folder)) return join(folder, name);
  const other = readdirSync(folder).find((each) => each.toLowerCase() === name.toLowerCase());
  return join(folder, other ?? name);
}

function wrap(library: object, names: readonly string[]): void {
  for (const name of names) {
    const original = Reflect.get(library, name);
    Reflect.set(library, name, (...args: unknown[]) =>
      original(...args.map((arg) => (typeof arg === 'string' && arg.startsWith('/') ? existingPath(arg) : arg))),
    );
  }
}

const names = ['access', 'chmod', 'lstat', 'mkdir', 'open', 'opendir', 'readFile', 'readdir', 'rename', 'rm', 'rmdir'];
wrap(fs.promises, [...names, 'stat', 'unlink', 'writeFile']);
wrap(
  fs,
  [...names, 'stat', 'exists'].map((name) => `${name}Sync`),
);
syncBuiltinESMExports();
