/**
 * Prepares a checkout: installs the pinned packages if the lock file has changed, and builds `dist/` if a source has
 * changed. It runs before every npm script of this project, with the installed Node.js (20 or newer) and npm; the
 * script that follows runs on the Node.js that package.json pins.
 *
 * With `--then FILE ARGUMENTS…` it runs that file on the pinned Node.js, in the folder that npm was called in.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(
    `Node.js 20 or newer is required, but this is ${process.versions.node}. Install it from https://nodejs.org`,
  );
  process.exit(1);
}

// Limits the search for programs to absolute folders: a relative entry of PATH depends on the current folder.
const search = (process.env.PATH ?? '').split(delimiter).filter((folder) => isAbsolute(folder.replace(/^"/, '')));
process.env.PATH = search.join(delimiter) || (process.platform === 'win32' ? '' : '/usr/bin:/bin');
process.env.NoDefaultCurrentDirectoryInExePath = '1';

const installed = join(root, 'node_modules', '.installed-from');
const lock = hash([join(root, 'package-lock.json')]);
if (read(installed) !== lock) {
  console.error('Installing the pinned packages (once, about a minute) …');
  run(process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'], [
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
  writeFileSync(installed, lock);
}

const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
if (!existsSync(node)) {
  console.error('The pinned Node.js is missing because its install script did not run. Run: npm rebuild node');
  process.exit(1);
}

const built = join(root, 'dist', '.built-from');
const sources = hash(
  ['extension', 'host', 'installers', 'manifests', 'package.json', 'package-lock.json', 'tsconfig.json'].flatMap(
    (name) => files(join(root, name)),
  ),
);
const thenAt = process.argv.indexOf('--then');
const options = thenAt < 0 ? process.argv : process.argv.slice(0, thenAt);
if (options.includes('--build') || (!options.includes('--no-build') && read(built) !== sources)) {
  console.error('Building dist/ …');
  // The build of the extension draws a spinner on stdout even if that is not a terminal. Errors go to stderr.
  run([node], [join(root, 'installers', 'build', 'build.ts')], 'ignore');
  writeFileSync(built, sources);
}

if (thenAt >= 0) {
  const [file = '', ...args] = process.argv.slice(thenAt + 1);
  // Ctrl-C reaches the command itself, which decides what to stop; this process waits for its exit code.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
  const child = spawn(node, [join(root, file), ...args], {
    cwd: process.env.INIT_CWD ?? process.cwd(),
    stdio: 'inherit',
  });
  child.on('exit', (code) => process.exit(code ?? 1));
}

/** @param {string[]} command @param {string[]} args @param {'inherit' | 'ignore'} output */
function run([program, ...first], args, output = 'inherit') {
  const { status, error } = spawnSync(program, [...first, ...args], {
    cwd: root,
    stdio: ['ignore', output, 'inherit'],
    shell: program === 'npm' && process.platform === 'win32',
  });
  if (error) console.error(error.message);
  if (status !== 0) process.exit(status ?? 1);
}

/** @param {string} path @returns {string[]} */
function files(path) {
  if (!existsSync(path)) return [];
  if (/\.[a-z]+$/.test(path)) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !(entry.parentPath ?? entry.path).includes('.wxt'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** @param {string[]} paths */
function hash(paths) {
  const sum = createHash('sha256');
  for (const path of paths) sum.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  return sum.digest('hex');
}

/** @param {string} path */
function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
