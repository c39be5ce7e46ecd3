import type { BuildOptions, Plugin } from 'esbuild';

/** Where the keychain program is written, and where it loads the library's native binary from. */
export interface KeychainBundleOptions {
  /** @default 'dist/host/keychain' */
  readonly outdir?: string;
  /**
   * `package` loads the installed package, which chooses the binary for the platform. `beside` loads only
   * `keyring.node` next to the program: a packaged host runs no files but its own.
   *
   * @default 'package'
   */
  readonly binary?: 'package' | 'beside';
}

/** File name of the binary next to the program. */
export const KEYRING_BINARY = 'keyring.node';

/** Returns the build options of the program that accesses the system's keychain, as one file. */
export function keychainBuildOptions(root: string, options: KeychainBundleOptions = {}): BuildOptions {
  const { outdir = 'dist/host/keychain', binary = 'package' } = options;
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
