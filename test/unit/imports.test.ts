import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['extension', 'host', 'installers', 'manifests'];

/** An import or re-export; group 1 is `type` where only types are imported, group 2 the module. */
const IMPORT = /^\s*(?:import|export)(\s+type\b)?(?:[^'";]*?\sfrom)?\s*'(\.[^']+)'/gm;

/** An import on first use; group 1 is the module. */
const LAZY_IMPORT = /\bimport\('(\.[^']+)'\)/g;

/** The modules of `host/`, lower ones first. A file imports values only from its own line or those above it. */
const LAYERS: readonly (readonly string[])[] = [
  ['common', 'protocol', 'reasoning', 'grammar', 'json-schema', 'tools'],
  ['vectors', 'chat-template', 'gguf', 'store', 'messaging', 'registration', 'configuration', 'config.ts'],
  ['hardware', 'http', 'hub', 'secrets', 'presence', 'command', 'models', 'model-files'],
  ['download', 'external', 'catalog', 'settings', 'conversations', 'lmstudio', 'engine', 'remote', 'peers'],
  ['cache', 'requests'],
  ['services.ts'],
  ['actions', 'serve'],
  ['host.ts', 'session.ts', 'index.ts'],
  ['native-host.ts', 'cli'],
  ['start.ts', 'main.ts', 'packaged-main.ts'],
];

/** Cycles that exist only in types, each with its reason. */
const TYPE_CYCLES: readonly string[] = [
  // A template function takes values, and is a value itself.
  'host/chat-template/values/value.ts ↔ host/chat-template/values/call-arguments.ts',
  'host/chat-template/values/value.ts ↔ host/chat-template/values/callable.ts',
];

/** Folders of `host/` that import from each other, each with its reason. */
const MUTUAL_FOLDERS: readonly string[] = [
  // Errors carry a code of the protocol, of which `common` takes the type; the parsers of the protocol throw errors.
  'common ↔ protocol',
];

interface Import {
  readonly to: string;
  /** `type`: types only. `lazy`: when it is first used. */
  readonly kind: 'value' | 'type' | 'lazy';
}

const filesBelow = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => join(folder, path))
    .filter((path) => /\.(ts|mjs|svelte)$/.test(path) && !/(^|[\\/])(node_modules|\.wxt|\.output)[\\/]/.test(path))
    .map((path) => path.split(sep).join('/'));

const imports = new Map<string, Import[]>(
  SOURCES.flatMap(filesBelow).map((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const pathOf = (module: string) =>
      relative(ROOT, resolve(ROOT, dirname(file), module))
        .split(sep)
        .join('/');
    const atStart = [...text.matchAll(IMPORT)].map(
      ([, type, module = '']): Import => ({ to: pathOf(module), kind: type === undefined ? 'value' : 'type' }),
    );
    const onUse = [...text.matchAll(LAZY_IMPORT)].map(
      ([, module = '']): Import => ({ to: pathOf(module), kind: 'lazy' }),
    );
    return [file, [...atStart, ...onUse]];
  }),
);

/** Returns the import cycles of some kinds of imports, each from its first file back to it. */
function cycles(...kinds: Import['kind'][]): string[] {
  const found = new Set<string>();
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string) => {
    const at = path.indexOf(file);
    if (at >= 0) {
      found.add([...path.slice(at), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    // A component may contain itself.
    for (const { to, kind } of imports.get(file) ?? []) if (kinds.includes(kind) && to !== file) visit(to);
    path.pop();
    done.add(file);
  };
  for (const file of imports.keys()) visit(file);
  return [...found];
}

describe('imports', () => {
  it('are found', () => {
    const all = [...imports.values()].flat();
    expect(all.length).toBeGreaterThan(1000);
    expect(all.filter(({ kind }) => kind === 'type').length).toBeGreaterThan(100);
    expect(all.filter(({ kind }) => kind === 'lazy').length).toBeGreaterThan(50);
  });

  it('form no cycles', () => {
    expect(cycles('value')).toEqual([]);
  });

  it('form no cycles in types, except for recursive types', () => {
    const pairs = cycles('value', 'type').map((circle) => circle.split(' → ').slice(0, 2).join(' ↔ '));
    expect(pairs.sort()).toEqual([...TYPE_CYCLES].sort());
  });

  it('lead from one folder of the host to another only in one direction', () => {
    const folderOf = (file: string) => /^host\/([^/]+)\//.exec(file)?.[1];
    const links = new Set<string>();
    for (const [file, list] of imports) {
      const from = folderOf(file);
      for (const { to } of list) {
        const other = folderOf(to);
        if (from !== undefined && other !== undefined && from !== other) links.add(`${from} ↔ ${other}`);
      }
    }
    const isMutual = (link: string) => links.has(link.split(' ↔ ').reverse().join(' ↔ '));
    const mutual = [...links].filter((link) => isMutual(link) && link < link.split(' ↔ ').reverse().join(' ↔ '));
    expect(mutual.sort()).toEqual([...MUTUAL_FOLDERS].sort());
  });

  it('lead from higher modules of the host to lower ones', () => {
    const layerOf = (file: string) => {
      const [, name = ''] = file.split('/');
      const layer = LAYERS.findIndex((modules) => modules.includes(name));
      expect({ file, isKnown: layer >= 0 }).toEqual({ file, isKnown: true });
      return layer;
    };
    const upward = [...imports].flatMap(([file, list]) =>
      file.startsWith('host/')
        ? list
            .filter(({ to, kind }) => kind !== 'type' && to.startsWith('host/') && layerOf(to) > layerOf(file))
            .map(({ to }) => `${file} → ${to}`)
        : [],
    );
    expect(upward).toEqual([]);
  });

  it('of shipped code do not include build code', () => {
    const wrong = [...imports].flatMap(([file, list]) =>
      file.startsWith('installers/') || file === 'extension/wxt.config.ts'
        ? []
        : list.filter(({ to }) => to.startsWith('installers/')).map(({ to }) => `${file} → ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  it('of the validation library are only used to describe values: `validate` alone validates', () => {
    const wrong = [...imports.keys()].filter(
      (file) =>
        file.startsWith('host/') &&
        file !== 'host/common/validate.ts' &&
        /\bv\.(?:is|assert|parse|safeParse|parser|safeParser|parseAsync|safeParseAsync)\(/.test(
          readFileSync(join(ROOT, file), 'utf8'),
        ),
    );
    expect(wrong).toEqual([]);
  });
});
