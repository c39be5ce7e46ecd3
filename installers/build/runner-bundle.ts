import { copyFileSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, Plugin } from 'esbuild';

/** Where the runner goes, and where it finds llama.cpp's binaries. */
export interface RunnerPlace {
  /** @default 'dist/host/runner' */
  readonly outdir?: string;
  /**
   * The binaries: packages that Node looks for in the `node_modules` of this folder and all above it, or `beside`,
   * folders in `llama/` next to the runner's own and nowhere else: what a packaged host executes, it brings.
   *
   * @default 'packages'
   */
  readonly binaries?: 'packages' | 'beside';
}

/**
 * The runner as one file: importing node-llama-cpp as installed reads 536 modules, which a load would wait for. What
 * differs from the installed package, each with its reason, stands in {@link replaceModules}.
 *
 * @param root The repository, without a trailing slash or with one.
 */
export function runnerBuildOptions(root: string, place: RunnerPlace = {}): BuildOptions {
  const { outdir = 'dist/host/runner', binaries = 'packages' } = place;
  return {
    absWorkingDir: root,
    entryPoints: [{ in: 'host/engine/runner/runner.ts', out: 'runner' }],
    outdir,
    bundle: true,
    // The binding has top-level await, so it can be nothing but ESM.
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minifySyntax: true,
    legalComments: 'none',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    // The binaries stay separate packages, of which a machine has those for its platform.
    external: ['@node-llama-cpp/*', 'electron'],
    plugins: [replaceModules(bindingFacts()), ...(binaries === 'beside' ? [binariesBeside] : [])],
    logLevel: 'warning',
  };
}

/** llama.cpp's binaries for a platform, as the packaged host has them. */
const binariesBeside: Plugin = {
  name: 'binaries-beside',
  setup(build) {
    build.onResolve({ filter: /^@node-llama-cpp\// }, ({ path }) => ({
      path: path.replace(/^@node-llama-cpp\/(.*)$/, '../llama/$1/dist/index.js'),
      external: true,
    }));
  },
};

interface BindingFacts {
  readonly version: string;
  readonly release: string;
}

/** What node-llama-cpp reads of itself from its own folder at run time, read here once and for all. */
function bindingFacts(): BindingFacts {
  const folder = bindingFolder();
  const read = (file: string, field: string): string => {
    const value: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'))[field];
    if (typeof value !== 'string') throw new Error(`Expected "${field}" in ${file} of node-llama-cpp`);
    return value;
  };
  return { version: read('package.json', 'version'), release: read('llama/binariesGithubRelease.json', 'release') };
}

/** Packages that only compile or download llama.cpp, which a runner never does, with the names imported from them. */
const UNUSED_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'simple-git': ['simpleGit'],
  ipull: ['downloadFile', 'downloadSequence', 'DownloadStatus'],
  ora: ['default'],
  'cross-spawn': ['default'],
};

function replaceModules({ version, release }: BindingFacts): Plugin {
  const modules: readonly (readonly [file: RegExp, contents: string])[] = [
    // Tries a binary in a separate process before loading it, 0.3 s each time. A runner already is such a process.
    [/[\\/]bindings[\\/]utils[\\/]testBindingBinary\.js$/, 'export const testBindingBinary = async () => true;'],
    // Reads the package's own package.json, which the bundle does not have beside it.
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

/** Puts the binding's licence beside the bundle that contains it. Nothing else has to lie there: what the binding reads of itself is built in. */
export function copyRunnerAssets(root: string): void {
  copyFileSync(join(bindingFolder(), 'LICENSE'), join(root, 'dist/host/runner/LICENSE-node-llama-cpp.txt'));
}

function bindingFolder(): string {
  return dirname(dirname(fileURLToPath(import.meta.resolve('node-llama-cpp'))));
}
