import { copyFileSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, Plugin } from 'esbuild';

/** Where the runner is written, and where it loads llama.cpp's binaries from. */
export interface RunnerBundleOptions {
  /** @default 'dist/host/runner' */
  readonly outdir?: string;
  /**
   * `packages` loads npm packages by Node's module resolution. `beside` loads only from `llama/` next to the runner's
   * folder: a packaged host runs no files but its own.
   *
   * @default 'packages'
   */
  readonly binaries?: 'packages' | 'beside';
}

/**
 * Returns the build options of the runner, as one file: node-llama-cpp consists of 536 modules, which would delay every
 * load. {@link replaceModules} lists the modules that differ from the installed package, and why.
 *
 * @param root The repository, with or without a trailing slash.
 */
export function runnerBuildOptions(root: string, options: RunnerBundleOptions = {}): BuildOptions {
  const { outdir = 'dist/host/runner', binaries = 'packages' } = options;
  return {
    absWorkingDir: root,
    entryPoints: [{ in: 'host/engine/runner/runner.ts', out: 'runner' }],
    outdir,
    bundle: true,
    // The binding uses top-level await, which requires ESM.
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minifySyntax: true,
    legalComments: 'none',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    // The binaries stay in separate packages: npm installs those for the machine's platform.
    external: ['@node-llama-cpp/*', 'electron'],
    plugins: [replaceModules(bindingVersions()), ...(binaries === 'beside' ? [binariesBeside] : [])],
    logLevel: 'warning',
  };
}

/** Resolves llama.cpp's binaries to their folders in the packaged host. */
const binariesBeside: Plugin = {
  name: 'binaries-beside',
  setup(build) {
    build.onResolve({ filter: /^@node-llama-cpp\// }, ({ path }) => ({
      path: path.replace(/^@node-llama-cpp\/(.*)$/, '../llama/$1/dist/index.js'),
      external: true,
    }));
  },
};

interface BindingVersions {
  readonly version: string;
  readonly release: string;
}

/** Reads the versions that node-llama-cpp would otherwise read from its package folder at run time. */
function bindingVersions(): BindingVersions {
  const folder = bindingFolder();
  const read = (file: string, field: string): string => {
    const value: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'))[field];
    if (typeof value !== 'string') throw new Error(`Expected "${field}" in ${file} of node-llama-cpp`);
    return value;
  };
  return { version: read('package.json', 'version'), release: read('llama/binariesGithubRelease.json', 'release') };
}

/**
 * Packages that node-llama-cpp uses to compile or download llama.cpp, which a runner never does, and the names it
 * imports.
 */
const UNUSED_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'simple-git': ['simpleGit'],
  ipull: ['downloadFile', 'downloadSequence', 'DownloadStatus'],
  ora: ['default'],
  'cross-spawn': ['default'],
};

function replaceModules({ version, release }: BindingVersions): Plugin {
  const modules: readonly (readonly [file: RegExp, contents: string])[] = [
    // Tests a binary in a separate process before loading it, which takes 0.3 s. A runner already is a separate
    // process.
    [/[\\/]bindings[\\/]utils[\\/]testBindingBinary\.js$/, 'export const testBindingBinary = async () => true;'],
    // Reads the package's package.json, which is not next to the bundle.
    [/[\\/]utils[\\/]getModuleVersion\.js$/, `export const getModuleVersion = async () => ${JSON.stringify(version)};`],
    // Reads a file of the package's folder with top-level await.
    [
      /[\\/]bindings[\\/]utils[\\/]binariesGithubRelease\.js$/,
      `export const builtinLlamaCppRelease = ${JSON.stringify(release)};
       export const defaultLlamaCppRelease = builtinLlamaCppRelease;
       export const getBinariesGithubRelease = async () => builtinLlamaCppRelease;
       export const setBinariesGithubRelease = async () => { throw new Error('A runner does not build llama.cpp'); };`,
    ],
  ];
  return {
    name: 'replace-modules',
    setup(build) {
      for (const [filter, contents] of modules) build.onLoad({ filter }, () => ({ contents, loader: 'js' }));
      const unused = new RegExp(`^(${Object.keys(UNUSED_PACKAGES).join('|')})$`);
      build.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: 'unused-package' }));
      build.onLoad({ filter: /.*/, namespace: 'unused-package' }, ({ path }) => {
        const message = JSON.stringify(`${path} is not part of the runner`);
        const exported = (UNUSED_PACKAGES[path] ?? []).map((name) =>
          name === 'default' ? 'export default unused;' : `export const ${name} = unused;`,
        );
        return {
          contents: `const unused = () => { throw new Error(${message}); };\n${exported.join('\n')}`,
          loader: 'js',
        };
      });
    },
  };
}

/** Copies the binding's licence next to the bundle that contains the binding. */
export function copyRunnerLicence(root: string): void {
  copyFileSync(join(bindingFolder(), 'LICENSE'), join(root, 'dist/host/runner/LICENSE-node-llama-cpp.txt'));
}

function bindingFolder(): string {
  return dirname(dirname(fileURLToPath(import.meta.resolve('node-llama-cpp'))));
}
