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
import { copyRunnerLicence, runnerBuildOptions } from './runner-bundle.ts';
import { writeShared } from './shared-files.ts';
import { threadBuildOptions } from './thread-bundle.ts';

/**
 * Builds `dist/`: the host, bundled into few files because it starts often and should read little; separate bundles for
 * the runner (the only one with the llama.cpp binding), the keychain process and the conversation thread; the library's
 * type declarations; and the extension.
 */
const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** Defines `require`, which CommonJS packages in an ESM bundle call for Node's built-in modules. */
const requireBanner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** Keeps the imports of programs that have their own bundles. */
const separatePrograms: esbuild.Plugin = {
  name: 'separate-programs',
  setup(build) {
    build.onResolve({ filter: /^\.\/secrets\/keychain-process\.ts$/ }, () => ({
      path: './keychain/keychain.js',
      external: true,
    }));
    build.onResolve({ filter: /engine\/runner\/runner\.ts$/ }, () => ({ path: './runner/runner.js', external: true }));
  },
};

/** The entry points: they stay separate files, so they may use `import.meta`. */
const ENTRY_POINTS = /[\\/]host[\\/](main|index)\.ts$/;

/**
 * Rejects `import.meta` in other modules: the packaged host is one script inside the executable, where it is undefined.
 */
const noImportMeta: esbuild.Plugin = {
  name: 'no-import-meta',
  setup(build) {
    build.onLoad({ filter: /[\\/]host[\\/].*\.ts$/ }, async ({ path }) => {
      if (ENTRY_POINTS.test(path) || !(await readFile(path, 'utf8')).includes('import.meta')) return undefined;
      return {
        errors: [
          {
            text: `Expected no import.meta in ${path}: it is undefined in the packaged host. Take the entry point's path as an argument.`,
          },
        ],
      };
    });
  },
};

// buildExtension() rebuilds the extension only if its sources have changed.
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
  // Alternative drivers of @keyv/sqlite; the host uses node:sqlite.
  external: ['better-sqlite3', 'bun:sqlite'],
  plugins: [
    separatePrograms,
    noImportMeta,
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
copyRunnerLicence(root);

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
 * Removes code that esbuild adds to every file although few need it, which would slow down each start: the banner in
 * files that do not call `require`, and side-effect imports of esbuild's helpers, which have no side effects.
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
 * Copies valibot's types next to the library's, which refer to them. Users of the library do not have valibot, because
 * it is bundled.
 */
function includeValibotTypes(folder: string): void {
  const types = join(folder, 'valibot.d.ts');
  // valibot uses Blob and File, which are undefined in a project without the types of the DOM or Node.js.
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
