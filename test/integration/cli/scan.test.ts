import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';

describe('tabagent scan', () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open();
  });
  afterEach(() => fixture.close());

  it('lists the models of other programs, and reports what it skipped', async () => {
    expect(await runCommand(['scan'], { home: fixture.home })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('No models of other programs found.'),
    });
    const folder = join(fixture.home, '.lmstudio/models/tabagent/markov-gguf');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'markov.gguf'), markovModel());
    await writeFile(join(folder, 'page.gguf'), '<!doctype html>');
    const { code, stdout, stderr } = await runCommand(['scan'], { home: fixture.home });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^MODEL +SOURCE +SIZE +KIND\n\S+markov\.gguf +lmstudio +\S+ MB +model\n$/);
    expect(stderr).toContain('page.gguf');
    const { models, rejected } = JSON.parse((await runCommand(['scan', '--json'], { home: fixture.home })).stdout);
    expect([models.length, rejected.length]).toEqual([1, 1]);
  });
});
