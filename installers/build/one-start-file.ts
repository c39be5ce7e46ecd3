import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as esbuild from 'esbuild';

/**
 * Bundles all modules that the host loads when it starts into one file.
 *
 * esbuild creates one chunk for each set of entry points that share modules. The modules that the start shares with
 * lazily loaded modules would end up in about ten chunks, each of which costs about a millisecond. If every lazily
 * loaded module imports the start, all modules of the start belong to the same set, and so to one chunk.
 *
 * @param options.root The repository.
 * @param options.entry The entry point.
 * @param options.imports Its static imports. With all modules that these import in turn, they are the start.
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

/** Returns the absolute paths of a module and all its direct and indirect static imports. */
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
        name: 'skip-lazy-imports',
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
