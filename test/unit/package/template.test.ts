import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { writeCatalogues } from '../../../installers/package/catalogues.ts';
import { sha256 } from '../../../installers/package/checksums.ts';
import { fillTemplate } from '../../../installers/package/template.ts';

describe('installer templates', () => {
  it('are filled in, and rejected if a value is missing', () => {
    expect(fillTemplate('a {{b}} {{b}}\n', new Map([['b', 'c']]))).toBe('a c c\n');
    expect(() => fillTemplate('{{nobody}}', new Map())).toThrow('{{nobody}}');
  });

  it('keep sections with values, and completely omit others', () => {
    const template = '1\n{{#x-1}}\n2 {{x-1.y}}\n{{/x-1}}\n{{#z}}\n3 {{z.y}}\n{{/z}}\n4\n';
    expect(fillTemplate(template, new Map([['x-1.y', 'v']]))).toBe('1\n2 v\n4\n');
  });
});

describe('the catalogues', () => {
  const URL = 'https://example.org/releases/v1.2.3';
  let out: string;
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), 'tabagent-catalogues-'));
  });
  afterEach(() => rm(out, { recursive: true }));

  it('contain only the built files, with URL and checksum', async () => {
    const archive = join(out, 'tabagent-host-1.2.3-linux-x64.tar.xz');
    const setup = join(out, 'tabagent-host-1.2.3-win-x64-setup.exe');
    await writeFile(archive, 'archive');
    await writeFile(setup, 'setup');
    expect(await writeCatalogues(out, '1.2.3', URL)).toContain('homebrew/tabagent-host.rb');

    const formula = await readFile(join(out, 'homebrew/tabagent-host.rb'), 'utf8');
    expect(formula).toContain(`url "${URL}/tabagent-host-1.2.3-linux-x64.tar.xz"`);
    expect(formula).toContain(`sha256 "${await sha256(archive)}"`);
    expect(formula).not.toContain('on_macos');

    const winget = await readFile(join(out, 'winget/TabAgent.Host.installer.yaml'), 'utf8');
    expect(winget).toContain(`InstallerUrl: ${URL}/tabagent-host-1.2.3-win-x64-setup.exe`);
    expect(winget).toContain(`InstallerSha256: ${(await sha256(setup)).toUpperCase()}`);
    expect(`${formula}${winget}`).not.toMatch(/\{\{|arm64/);
  });

  it('are omitted if none of their files were built', async () => {
    expect(await writeCatalogues(out, '1.2.3', URL)).toEqual([]);
  });
});
