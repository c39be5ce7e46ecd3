import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { Workshop } from '../../support/host/workshop.ts';

describe('tabagent scan', () => {
  let shop: Workshop;
  beforeEach(async () => {
    shop = await Workshop.open();
  });
  afterEach(() => shop.close());

  it('lists the models of other programs, and reports what it skipped', async () => {
    expect(await runCommand(['scan'], { home: shop.home })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('No models of other programs found.'),
    });
    const folder = join(shop.home, '.lmstudio/models/tabagent/markov-gguf');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'markov.gguf'), markovModel());
    await writeFile(join(folder, 'page.gguf'), '<!doctype html>');
    const { code, stdout, stderr } = await runCommand(['scan'], { home: shop.home });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^MODEL +SOURCE +SIZE +KIND\n\S+markov\.gguf +lmstudio +\S+ MB +model\n$/);
    expect(stderr).toContain('page.gguf');
    const { models, rejected } = JSON.parse((await runCommand(['scan', '--json'], { home: shop.home })).stdout);
    expect([models.length, rejected.length]).toEqual([1, 1]);
  });
});
