import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as esbuild from 'esbuild';

/**
 * Keeps all that a start loads in one file.
 *
 * esbuild makes a file of each set of modules that the same entry points reach, so what the host's start shares with
 * this lazy part and with that one ends up in some ten files, and each costs a start about a millisecond. When every
 * lazy part imports the start, all of the start is reached from everywhere, and is one set.
 *
 * @param options.root The repository.
 * @param options.entry The module a start begins with.
 * @param options.imports What it imports statically: with all that these import, this is the start.
 */
export async function oneStartFile(options: {
  root: string;
  entry: string;
  imports: readonly string[];
}): Promise<esbuild.Plugin> {
  const { root, entry, imports } = options;
  const modules = await staticModules(root, entry);
  const start = imports.map((path) => `import ${JSON.stringify(resolve(root, path))};\n`).join('');
  return {
    name: 'one-start-file',
    setup(build) {
      build.onLoad({ filter: /[\\/]host[\\/].*\.ts$/ }, async ({ path }) => {
        if (modules.has(path)) return undefined;
        const source = await readFile(path, 'utf8');
        return { contents: start + source, loader: 'ts' };
      });
    },
  };
}

/** The absolute paths of a module, of the modules it imports, and those these import, but for what is imported lazily. */
export async function staticModules(root: string, entry: string): Promise<ReadonlySet<string>> {
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    plugins: [
      {
        name: 'leave-lazy-imports',
        setup(build) {
          build.onResolve({ filter: /.*/ }, ({ kind, path }) =>
            kind === 'dynamic-import' ? { path, external: true } : undefined,
          );
        },
      },
    ],
  });
  return new Set(Object.keys(metafile.inputs).map((path) => resolve(root, path)));
}
