import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['extension', 'host', 'installers', 'manifests'];

/** An import or re-export; group 1 is `type` where only types are imported, group 2 the module. */
const IMPORT = /^\s*(?:import|export)(\s+type\b)?(?:[^'";]*?\sfrom)?\s*'(\.[^']+)'/gm;

/** The modules of `host/`, lower ones first. A file imports values only from its own line or those above it. */
const LAYERS: readonly (readonly string[])[] = [
  ['common', 'protocol', 'reasoning'],
  ['vectors', 'chat-template', 'gguf', 'store', 'messaging', 'registration', 'configuration', 'config.ts'],
  ['hardware', 'http', 'hub', 'secrets', 'presence', 'command', 'models'],
  ['download', 'cache', 'external', 'catalog', 'settings', 'conversations', 'lmstudio', 'engine', 'remote'],
  ['actions', 'services.ts'],
  ['host.ts', 'session.ts', 'index.ts'],
  ['native-host.ts', 'cli'],
  ['start.ts', 'main.ts', 'packaged-main.ts'],
];

interface Import {
  readonly to: string;
  readonly isType: boolean;
}

const filesBelow = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => join(folder, path))
    .filter((path) => /\.(ts|mjs|svelte)$/.test(path) && !/(^|[\\/])(node_modules|\.wxt|\.output)[\\/]/.test(path))
    .map((path) => path.split(sep).join('/'));

const imports = new Map<string, Import[]>(
  SOURCES.flatMap(filesBelow).map((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const found = [...text.matchAll(IMPORT)].map(([, type, module = '']) => ({
      to: relative(ROOT, resolve(ROOT, dirname(file), module))
        .split(sep)
        .join('/'),
      isType: type !== undefined,
    }));
    return [file, found];
  }),
);

/** Returns the circles of files, each from its first file back to it. */
function circles(): string[] {
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
    // An import of types alone is not there when the program runs. A component may contain itself.
    for (const { to, isType } of imports.get(file) ?? []) if (!isType && to !== file) visit(to);
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
    expect(all.filter(({ isType }) => isType).length).toBeGreaterThan(100);
  });

  it('form no circles', () => {
    expect(circles()).toEqual([]);
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
            .filter(({ to, isType }) => !isType && to.startsWith('host/') && layerOf(to) > layerOf(file))
            .map(({ to }) => `${file} → ${to}`)
        : [],
    );
    expect(upward).toEqual([]);
  });

  it('of what ships need nothing of what builds it', () => {
    const wrong = [...imports].flatMap(([file, list]) =>
      file.startsWith('installers/') || file === 'extension/wxt.config.ts'
        ? []
        : list.filter(({ to }) => to.startsWith('installers/')).map(({ to }) => `${file} → ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  it('of the validation library are used to describe values only: `validate` alone validates', () => {
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
