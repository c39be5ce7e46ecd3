import { createHash } from 'node:crypto';
import { relative, resolve, sep } from 'node:path';
import * as esbuild from 'esbuild';
import { staticModules } from '../build/one-start-file.ts';

/** The host as two scripts, and the sources they consist of. */
export interface HostBundle {
  /**
   * The script inside the executable: what starting and replying to PING require. It is small because every start reads
   * and compiles all of it.
   */
  readonly start: string;
  /** The script in `lib/host/`: everything else. The first request that needs it loads it. */
  readonly later: string;
  /** File name of `later`. It contains a digest, so that an executable never loads the file of another version. */
  readonly laterName: string;
  /** Paths of the bundled sources, relative to the repository. */
  readonly inputs: readonly string[];
}

/** The program inside the executable. */
const ENTRY = 'host/packaged-main.ts';

/** Placeholder in the start script for the file name of the later script, which is built second. */
const LATER_NAME = '__LATER_NAME__';

/**
 * Bundles the packaged host. Modules that both scripts use must exist only once, for example because errors are
 * recognized by their class. The start script therefore passes its modules to the later one, and each script contains
 * proxies for the modules of the other.
 */
export async function bundleHost(root: string): Promise<HostBundle> {
  const modules = [...(await staticModules(root, ENTRY))].filter((path) => path.endsWith('.ts'));
  const shared = modules.filter((path) => path !== resolve(root, ENTRY));
  const lazy = new Set<string>();
  const start = await bundle(root, { entry: `import './${ENTRY}';`, plugin: laterProxies(root, shared, lazy) });
  const parts = [...lazy].sort().map((path) => `${JSON.stringify(path)}: () => require('./${path}')`);
  const later = await bundle(root, {
    entry: `
      import * as passed from 'start-modules';
      export const open = (start) => (Object.assign(passed.modules, start), { ${parts.join(', ')} });`,
    plugin: startProxies(root, shared),
  });
  const laterName = `later-${createHash('sha256').update(later.text).digest('hex').slice(0, 16)}.cjs`;
  return {
    start: start.text.replace(LATER_NAME, laterName),
    later: later.text,
    laterName,
    inputs: [...new Set([...start.inputs, ...later.inputs])].sort(),
  };
}

async function bundle(root: string, { entry, plugin }: { entry: string; plugin: esbuild.Plugin }) {
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: root,
    stdin: { contents: entry, resolveDir: root, loader: 'js' },
    outfile: 'bundle.cjs',
    write: false,
    metafile: true,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // Alternative drivers of @keyv/sqlite; the host uses node:sqlite.
    external: ['better-sqlite3', 'bun:sqlite'],
    plugins: [plugin],
    logLevel: 'warning',
    // import.meta is empty in CommonJS, so a module that locates files with it would fail at run time.
    logOverride: { 'empty-import-meta': 'error' },
  });
  return { text: outputFiles[0]?.text ?? '', inputs: Object.keys(metafile.inputs) };
}

/**
 * For the start script: replaces lazily imported modules by proxies that load the later script. Adds their names to
 * `lazy`.
 */
function laterProxies(root: string, shared: readonly string[], lazy: Set<string>): esbuild.Plugin {
  return {
    name: 'later-proxies',
    setup(build) {
      build.onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const name = nameOf(root, resolve(resolveDir, path));
        lazy.add(name);
        return { path: name, namespace: 'later' };
      });
      build.onLoad({ filter: /.*/, namespace: 'later' }, ({ path }) => ({
        contents: `module.exports = require('later-parts').parts()[${JSON.stringify(path)}]();`,
        resolveDir: root,
      }));
      build.onResolve({ filter: /^later-parts$/ }, ({ path }) => ({ path, namespace: 'later-parts' }));
      build.onLoad({ filter: /.*/, namespace: 'later-parts' }, () => ({
        contents: `
          import { createRequire } from 'node:module';
          ${shared.map((path, i) => `import * as m${i} from ${JSON.stringify(path)};`).join('\n')}
          const shared = { ${shared.map((path, i) => `${JSON.stringify(nameOf(root, path))}: m${i}`).join(', ')} };
          let opened;
          export const parts = () => (opened ??= open());
          function open() {
            try {
              return createRequire(process.execPath)('./lib/host/${LATER_NAME}').open(shared);
            } catch (error) {
              if (error.code !== 'MODULE_NOT_FOUND') throw error;
              throw shared['host/common/host-errors.ts'].hostUpdated(error);
            }
          }`,
        resolveDir: root,
      }));
    },
  };
}

/** For the later script: replaces modules of the start script by those that it passed. */
function startProxies(root: string, shared: readonly string[]): esbuild.Plugin {
  const paths = new Set(shared);
  return {
    name: 'start-proxies',
    setup(build) {
      build.onResolve({ filter: /^start-modules$/ }, ({ path }) => ({ path, namespace: 'start-modules' }));
      build.onLoad({ filter: /.*/, namespace: 'start-modules' }, () => ({ contents: 'exports.modules = {};' }));
      build.onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir }) => {
        const file = resolve(resolveDir, path);
        return paths.has(file) ? { path: nameOf(root, file), namespace: 'start' } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: 'start' }, ({ path }) => ({
        contents: `module.exports = require('start-modules').modules[${JSON.stringify(path)}];`,
        resolveDir: root,
      }));
    },
  };
}

/** Returns the name of a module in both scripts: its path in the repository. */
function nameOf(root: string, path: string): string {
  return relative(root, path).split(sep).join('/');
}
