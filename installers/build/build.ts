import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { buildExtension } from './extension.ts';
import { keychainBuildOptions } from './keychain-bundle.ts';
import { namedExports } from './named-exports.ts';
import { oneStartFile } from './one-start-file.ts';
import { copyRunnerAssets, runnerBuildOptions } from './runner-bundle.ts';
import { writeShared } from './shared-files.ts';
import { threadBuildOptions } from './thread-bundle.ts';

/**
 * Builds `dist/`: the host in few bundled files (a process that starts often should read little); the runner, which alone
 * contains the binding of llama.cpp, and the programs that access the keychain and the conversations as separate bundles;
 * the type declarations of the library; and the extension.
 */
const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** CommonJS packages inside an ESM bundle call `require` for Node's own modules. */
const requireBanner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** Programs that are separate bundles: their imports in `main.ts` stay imports. */
const programsStayOutside: esbuild.Plugin = {
  name: 'programs-stay-outside',
  setup(build) {
    build.onResolve({ filter: /^\.\/secrets\/keychain-process\.ts$/ }, () => ({
      path: './keychain/keychain.js',
      external: true,
    }));
    build.onResolve({ filter: /engine\/runner\/runner\.ts$/ }, () => ({ path: './runner/runner.js', external: true }));
  },
};

/** Modules that may use `import.meta`: entry points, which are separate files. */
const HAVE_A_PLACE = /[\\/]host[\\/](main|index)\.ts$/;

/** In the packaged host all modules are one script inside the executable, so none of them has a place. */
const noOwnPlace: esbuild.Plugin = {
  name: 'no-own-place',
  setup(build) {
    build.onLoad({ filter: /[\\/]host[\\/].*\.ts$/ }, async ({ path }) => {
      if (HAVE_A_PLACE.test(path) || !(await readFile(path, 'utf8')).includes('import.meta')) return undefined;
      return {
        errors: [
          { text: `Expected no import.meta in ${path}: the packaged host has none. Pass the entry as a parameter.` },
        ],
      };
    });
  },
};

// The extension is built separately, and kept while its sources do not change.
for (const name of existsSync(`${root}/dist`) ? readdirSync(`${root}/dist`) : []) {
  if (name !== 'extension') rmSync(`${root}/dist/${name}`, { recursive: true, force: true });
}
await esbuild.build({
  absWorkingDir: root,
  entryPoints: ['host/main.ts', 'host/index.ts'],
  outdir: 'dist/host',
  bundle: true,
  splitting: true,
  chunkNames: 'parts/[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node22',
  minifySyntax: true,
  minifyWhitespace: true,
  treeShaking: true,
  legalComments: 'none',
  banner: { js: requireBanner },
  // A driver @keyv/sqlite could use in place of node:sqlite; the host never asks for it.
  external: ['better-sqlite3', 'bun:sqlite'],
  plugins: [
    programsStayOutside,
    noOwnPlace,
    namedExports,
    await oneStartFile({
      root,
      entry: 'host/main.ts',
      imports: ['host/start.ts'],
    }),
  ],
  logLevel: 'warning',
});
removeUnusedHelpers(`${root}/dist/host`);
await esbuild.build(runnerBuildOptions(root));
await esbuild.build(keychainBuildOptions(root));
await esbuild.build(threadBuildOptions(root));
copyRunnerAssets(root);

writeShared(`${root}/dist/share`);

const declarations = spawnSync(
  process.execPath,
  [`${root}/node_modules/typescript/bin/tsc`, '-p', 'installers/build/tsconfig.types.json'],
  { cwd: root, stdio: ['ignore', 2, 2] },
);
process.exitCode = declarations.status ?? 1;
includeValibotTypes(`${root}/dist/types`);

await buildExtension(root);

/**
 * Removes what esbuild adds to every file although few need it, so that a start does not load it: the banner in files that
 * do not call `require`, and imports of esbuild's helpers for side effects, which they do not have.
 */
function removeUnusedHelpers(folder: string): void {
  const banner = `${requireBanner}\n`;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => ({ path: join(folder, name), code: readFileSync(join(folder, name), 'utf8') }));
  const helpers = files.filter(({ code }) => code.includes('var __commonJS=')).map(({ path }) => basename(path));
  for (const { path, code } of files) {
    const body = code.slice(banner.length);
    const needed = code.startsWith(banner) && !/(?<!#)\brequire\b/.test(body) ? body : code;
    writeFileSync(
      path,
      helpers.reduce((text, helper) => text.replace(`import"./parts/${helper}";`, ''), needed),
    );
  }
}

/**
 * Puts the types of valibot beside those of the library, which refer to them: valibot is bundled, so users of the library
 * do not have it.
 */
function includeValibotTypes(folder: string): void {
  const types = join(folder, 'valibot.d.ts');
  // Blob and File are types of the DOM and of Node.js, which a project need not include.
  const globals =
    'interface Blob { readonly size: number; readonly type: string }\ninterface File extends Blob { readonly name: string }\n';
  writeFileSync(types, globals + readFileSync(`${root}/node_modules/valibot/dist/index.d.mts`, 'utf8'));
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = join(folder, name);
    if (!name.endsWith('.d.ts') || file === types) continue;
    const path = relative(dirname(file), types)
      .split(sep)
      .join('/')
      .replace(/\.d\.ts$/, '.js');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll(/(['"])valibot\1/g, `'${path.startsWith('.') ? path : `./${path}`}'`));
  }
}
