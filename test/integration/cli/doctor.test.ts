import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Finding } from '../../../host/cli/doctor/finding.ts';
import { type RunOptions, runCommand } from '../../support/cli/run-command.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const MANIFEST = '.config/chromium/NativeMessagingHosts/com.tabagent.host.json';

describe('tabagent doctor', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(await startHub({ repos: {} }));
    await mkdir(join(fixture.home, '.config/chromium'), { recursive: true });
    await mkdir(join(fixture.home, '.mozilla/firefox'), { recursive: true });
  });
  afterEach(() => fixture.close());

  const env = () => ({ HF_ENDPOINT: hub.url, TABAGENT_GPU: 'off', XDG_CONFIG_HOME: join(fixture.home, '.config') });
  const tabagent = (typed: string[], options: Partial<RunOptions> = {}) =>
    runCommand(typed, { home: fixture.home, env: env(), ...options });

  async function findings(
    options: Partial<RunOptions> = {},
  ): Promise<{ code: number | null; of: Map<string, Finding> }> {
    const { code, stdout } = await tabagent(['doctor', '--json'], options);
    const all: Finding[] = JSON.parse(stdout).findings;
    return { code, of: new Map(all.map((finding) => [finding.check, finding])) };
  }

  it('finds nothing to fix if everything works, and leaves no files behind', async () => {
    await tabagent(['install']);
    const temporary = join(fixture.home, 'temporary');
    await mkdir(temporary);
    const { code, of } = await findings({ env: { ...env(), TMPDIR: temporary, TEMP: temporary } });
    expect([...of.values()].filter(({ status }) => status === 'failed')).toEqual([]);
    expect(code).toBe(0);
    expect([...of.keys()]).toEqual(
      expect.arrayContaining(['data folder', 'cache', 'disk space', 'Chromium', 'Firefox', 'hub', 'llama.cpp']),
    );
    expect(of.get('self-test on the CPU')).toMatchObject({ status: 'ok' });
    expect(of.get('Chromium')?.message).toContain('responds');
    expect(await readdir(temporary)).toEqual([]);

    const words = await tabagent(['doctor']);
    expect(words).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ok {7}data folder: /) });
    expect(words.stdout).toContain('All required checks passed.\n');
  });

  it('reports files that a scan of other programs skipped', async () => {
    const models = join(fixture.home, '.lmstudio/models/maker/model');
    await mkdir(models, { recursive: true });
    await writeFile(join(models, 'split-00001-of-00002.gguf'), '');
    for (const name of 'abc') await symlink('gone.gguf', join(models, `${name}.gguf`));
    const finding = (await findings()).of.get('other programs');
    expect(finding).toMatchObject({ status: 'warning', fix: 'Run "tabagent scan" for the whole list.' });
    expect(finding?.message).toMatch(/^0 models in \d+ folders\. .*a\.gguf is a link .*b\.gguf .* And 1 more\.$/);
    const scanned = await tabagent(['scan']);
    expect(scanned.stderr).toContain('split-00001-of-00002.gguf is not complete');
    expect(scanned.stderr).toContain('c.gguf is a link whose target does not exist');
  });

  it('reports the source of an access token that the hub refuses', async () => {
    const invalid = { 'x-error-message': 'Invalid credentials in Authorization header' };
    hub.fault({
      kind: 'status',
      status: 401,
      headers: invalid,
      match: ({ authorization }) => authorization !== undefined,
    });
    const { of } = await findings({ env: { ...env(), HF_TOKEN: 'hf_expired-long-ago' } });
    expect(of.get('hub')).toMatchObject({ status: 'ok' });
    expect(of.get('access token')).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/^(?!.*expired-long).*HF_TOKEN was rejected \("Invalid credentials.*unset it/),
    });
  });

  it('reports each problem and its fix', async () => {
    await tabagent(['install']);
    const file = join(fixture.home, MANIFEST);
    const manifest = JSON.parse(await readFile(file, 'utf8'));
    await chmod(fixture.home, 0o755);
    await writeFile(join(fixture.home, 'config.json'), '[]', { mode: 0o600 });
    hub.fault({ kind: 'html' });
    await chmod(manifest.path, 0o644);

    const { code, of } = await findings();
    expect(code).toBe(1);
    expect(of.get('data folder')).toMatchObject({ status: 'warning', fix: `Run: chmod go= "${fixture.home}"` });
    expect(of.get('configuration')).toMatchObject({ status: 'failed', details: { code: 'CONFIG_UNUSABLE' } });
    expect(of.get('Chromium')).toMatchObject({
      status: 'failed',
      fix: 'Run "tabagent install".',
      mend: 'Run "tabagent install".',
    });
    expect(of.get('hub')).toMatchObject({ status: 'failed', mend: expect.stringContaining('HF_ENDPOINT') });
    expect(of.get('self-test on the CPU')).toMatchObject({ status: 'ok' });
    const words = await tabagent(['doctor']);
    expect(words.stdout).toContain('FAILED   Chromium: ');
    expect(words.stdout).toContain('         Run "tabagent install".\n');
    expect(words.stdout).toMatch(/\n\d of \d+ checks failed\.\n$/);
  });

  it.each<[string, (manifest: Record<string, unknown>, path: string) => unknown, string]>([
    ['is none', () => 'none', 'is not a valid manifest'],
    ['allows others only', (manifest) => ({ ...manifest, allowed_origins: [] }), 'does not allow'],
    ['points nowhere', (manifest) => ({ ...manifest, path: '/nowhere/host' }), 'does not exist or is not executable'],
    ['points at another program', (manifest) => ({ ...manifest, path: '/bin/true' }), 'did not respond'],
  ])('reports that a manifest %s', async (_what, change, words) => {
    await tabagent(['install']);
    const file = join(fixture.home, MANIFEST);
    await writeFile(file, JSON.stringify(change(JSON.parse(await readFile(file, 'utf8')), file)));
    const { of } = await findings({ env: { ...env(), HF_HUB_OFFLINE: '1' } });
    expect(of.get('Chromium')).toMatchObject({ status: 'failed', message: expect.stringContaining(words) });
    expect(of.get('Firefox')).toMatchObject({ status: 'ok' });
    expect(of.get('hub')).toMatchObject({ status: 'warning' });
  });

  it('reports browsers without a registration', async () => {
    const { code, of } = await findings();
    expect(code).toBe(1);
    expect(of.get('Firefox')).toMatchObject({ status: 'failed', message: 'The host is not registered.' });
  });
});
