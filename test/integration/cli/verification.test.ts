import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';
const ID = `${REPO}/markov.gguf`;

describe('tabagent verify and repair', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(await startHub({ repos: { [REPO]: { files: { 'markov.gguf': markovModel() } } } }));
  });
  afterEach(() => fixture.close());

  const tabagent = (...typed: string[]) => runCommand(typed, { home: fixture.home, env: { HF_ENDPOINT: hub.url } });

  it('find a damaged model, repair it, and then report it as intact', async () => {
    expect(await tabagent('verify')).toMatchObject({ code: 0, stdout: '', stderr: 'No models are downloaded.\n' });
    await tabagent('pull', ID);
    expect(await tabagent('verify')).toMatchObject({ code: 0, stdout: `${ID}: OK\n` });

    const file = await open(join(fixture.home, 'models', ID), 'r+');
    await file.write('damage', 1_000_000);
    await file.close();
    const found = await tabagent('verify', 'markov');
    expect(found).toMatchObject({ code: 1, stdout: `${ID}: damaged (1 chunk)\n` });
    const { models } = JSON.parse((await tabagent('verify', '--json')).stdout);
    expect(models).toEqual([expect.objectContaining({ id: ID, state: 'bad' })]);

    expect(await tabagent('repair')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/: repaired \(\S+ MB downloaded\)\n/),
    });
    expect((await tabagent('verify', ID)).code).toBe(0);
  });

  it('are complemented by a cache command that shows models and pins', async () => {
    await tabagent('pull', ID);
    const shown = await tabagent('cache');
    expect(shown.stdout).toMatch(/^Folder: +\S+\nModels: +1, \S+ MB\n/);
    expect(shown.stdout).toMatch(new RegExp(`\n${ID} +\\S+ MB +\\d+ s ago\n$`));
    expect(await tabagent('cache', 'pin')).toMatchObject({ code: 2 });
    expect(await tabagent('cache', 'pin', 'markov')).toMatchObject({ code: 0 });
    const pinned = async () => JSON.parse((await tabagent('cache', 'stats', '--json')).stdout).models[0].pinned;
    expect(await pinned()).toBe(true);
    await tabagent('cache', 'unpin', 'markov');
    expect(await pinned()).toBe(false);
  });
});
