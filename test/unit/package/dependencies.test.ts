import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

interface LockEntry {
  readonly version?: string;
  readonly integrity?: string;
  readonly link?: boolean;
}

function readJson(path: string) {
  return JSON.parse(readFileSync(`${ROOT}/${path}`, 'utf8'));
}

const manifest = readJson('package.json');
const packages: Readonly<Record<string, LockEntry>> = readJson('package-lock.json').packages;

describe('the dependencies of the project', () => {
  it('pin the llama.cpp binaries that this version of node-llama-cpp requires', () => {
    const { version, optionalDependencies } = readJson('node_modules/node-llama-cpp/package.json');
    expect(manifest.devDependencies['node-llama-cpp']).toBe(version);
    expect(manifest.optionalDependencies).toEqual(optionalDependencies);
  });

  it('are locked with an integrity hash, except for the placeholder in this repository', () => {
    const unchecked = Object.entries(packages).filter(
      ([path, entry]) => path !== '' && entry.integrity === undefined && entry.link !== true,
    );
    expect(unchecked.map(([path]) => path)).toEqual(['installers/build/no-better-sqlite3']);
  });

  it('are pinned to one version each', () => {
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    const ranges = Object.entries<string>({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(
      ([, range]) => !/^(npm:.+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(range) && !range.startsWith('file:'),
    );
    expect(ranges).toEqual([]);
  });
});
