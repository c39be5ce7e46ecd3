import { createHash } from 'node:crypto';
import { relative, resolve, sep } from 'node:path';
import * as esbuild from 'esbuild';
import { staticModules } from '../build/one-start-file.ts';

/** The host as two scripts, and their source files. */
export interface HostBundle {
  /** Inside the executable: what a start and a PING need. Small, since a start reads and compiles all of it. */
  readonly start: string;
  /** Beside it, in `lib/host/`: everything else, loaded by the first request that needs some of it. */
  readonly later: string;
  /** Name of that file: a start loads the very one it was made with, and no other version's. */
  readonly laterName: string;
  /** Paths of the bundled sources, relative to the repository. */
  readonly inputs: readonly string[];
}

/** The program inside the executable. */
const ENTRY = 'host/packaged-main.ts';

/** Stands in the start for the name of the rest, which is known once that is made. */
const LATER_NAME = '__LATER_NAME__';

/**
 * Bundles the packaged host. Modules of the host that both scripts use must be there only once (an error is known by
 * its class), so the start hands its own to the rest: each script has stand-ins for what lies in the other.
 */
export async function bundleHost(root: string): Promise<HostBundle> {
  const modules = [...(await staticModules(root, ENTRY))].filter((path) => path.endsWith('.ts'));
  const shared = modules.filter((path) => path !== resolve(root, ENTRY));
  const lazy = new Set<string>();
  const start = await bundle(root, { entry: `import './${ENTRY}';`, plugin: laterStandIns(root, shared, lazy) });
  const parts = [...lazy].sort().map((path) => `${JSON.stringify(path)}: () => require('./${path}')`);
  const later = await bundle(root, {
    entry: `
      import * as given from 'start-modules';
      export const open = (start) => (Object.assign(given.modules, start), { ${parts.join(', ')} });`,
    plugin: startStandIns(root, shared),
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
    // A driver @keyv/sqlite could use in place of node:sqlite; the host never asks for it.
    external: ['better-sqlite3', 'bun:sqlite'],
    plugins: [plugin],
    logLevel: 'warning',
    // A module that finds files by its own place would find none.
    logOverride: { 'empty-import-meta': 'error' },
  });
  return { text: outputFiles[0]?.text ?? '', inputs: Object.keys(metafile.inputs) };
}

/** In the start: what is imported lazily becomes a question to the other script. Notes down what that was. */
function laterStandIns(root: string, shared: readonly string[], lazy: Set<string>): esbuild.Plugin {
  return {
    name: 'later-stand-ins',
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

/** In the rest: a module of the start is what the start handed over. */
function startStandIns(root: string, shared: readonly string[]): esbuild.Plugin {
  const paths = new Set(shared);
  return {
    name: 'start-stand-ins',
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

/** A module's name in both scripts: its path in the repository. */
function nameOf(root: string, path: string): string {
  return relative(root, path).split(sep).join('/');
}
