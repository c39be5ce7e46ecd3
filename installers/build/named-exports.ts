import type { Metafile, Plugin } from 'esbuild';

/**
 * Fails the build if a module imports a CommonJS module lazily. With code splitting, esbuild gives such a module a
 * single export, `default`, so the names that the importer expects would be undefined at run time. To fix it, import a
 * module of ours that re-exports the names.
 */
export const namedExports: Plugin = {
  name: 'named-exports',
  setup(build) {
    build.initialOptions.metafile = true;
    build.onEnd(({ metafile }) => ({
      errors: lazyCommonJs(metafile).map(([importer, imported]) => ({
        text: `Expected no lazy import of a CommonJS module, found one of ${imported} in ${importer}.`,
      })),
    }));
  },
};

/** Returns the lazy imports of CommonJS modules in a bundle, as pairs of importer and imported module. */
function lazyCommonJs(metafile: Metafile | undefined): [importer: string, imported: string][] {
  const inputs = metafile?.inputs ?? {};
  return Object.entries(inputs).flatMap(([importer, { imports }]) =>
    imports
      .filter(({ kind, path }) => kind === 'dynamic-import' && inputs[path]?.format === 'cjs')
      .map(({ path }): [string, string] => [importer, path]),
  );
}
