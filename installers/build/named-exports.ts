import type { Metafile, Plugin } from 'esbuild';

/**
 * Fails a split build with a lazy import of a CommonJS module: esbuild makes such a module a file whose only export is
 * `default`, so the names that the importer expects would be undefined at run time. The fix is a module that re-exports
 * the names, imported in the package's place.
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

/** The lazy imports of CommonJS modules in a bundle: importer and imported module. */
function lazyCommonJs(metafile: Metafile | undefined): [importer: string, imported: string][] {
  const inputs = metafile?.inputs ?? {};
  return Object.entries(inputs).flatMap(([importer, { imports }]) =>
    imports
      .filter(({ kind, path }) => kind === 'dynamic-import' && inputs[path]?.format === 'cjs')
      .map(({ path }): [string, string] => [importer, path]),
  );
}
