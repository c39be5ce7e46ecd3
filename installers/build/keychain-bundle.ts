import type { BuildOptions, Plugin } from 'esbuild';

/** Where the program that asks the system's keychain goes, and where it finds the library's binary. */
export interface KeychainPlace {
  /** @default 'dist/host/keychain' */
  readonly outdir?: string;
  /**
   * The library: the installed package, which picks the binary for the machine, or `beside`, `keyring.node` next to the
   * program and nowhere else: what a packaged host executes, it brings.
   *
   * @default 'package'
   */
  readonly binary?: 'package' | 'beside';
}

/** File name of the binary beside the program. */
export const KEYRING_BINARY = 'keyring.node';

/** The program that asks the system's keychain, as one file. */
export function keychainBuildOptions(root: string, place: KeychainPlace = {}): BuildOptions {
  const { outdir = 'dist/host/keychain', binary = 'package' } = place;
  return {
    absWorkingDir: root,
    entryPoints: [{ in: 'host/secrets/keychain-process.ts', out: 'keychain' }],
    outdir,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minifySyntax: true,
    legalComments: 'none',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    external: binary === 'package' ? ['@napi-rs/keyring'] : [],
    plugins: binary === 'package' ? [] : [binaryBeside],
    logLevel: 'warning',
  };
}

const binaryBeside: Plugin = {
  name: 'binary-beside',
  setup(build) {
    build.onResolve({ filter: /^@napi-rs\/keyring$/ }, ({ path }) => ({ path, namespace: 'keyring' }));
    build.onResolve({ filter: /\.node$/, namespace: 'keyring' }, ({ path }) => ({ path, external: true }));
    build.onLoad({ filter: /.*/, namespace: 'keyring' }, () => ({
      contents: `module.exports = require('./${KEYRING_BINARY}');`,
      loader: 'js',
    }));
  },
};
