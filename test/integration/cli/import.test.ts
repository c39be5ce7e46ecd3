import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { put, putOllama } from '../../support/external/programs.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';

const MODEL = markovModel();
const ID = 'local/import/own.gguf';

describe('a file of the user', () => {
  let fixture: HostFixture;
  let path: string;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    path = put(MODEL, fixture.home, 'somewhere/own.gguf');
  });
  afterEach(() => fixture.close());

  const tabagent = (...typed: string[]) => runCommand(typed, { home: fixture.home, env: { HF_HUB_OFFLINE: '1' } });

  it('is imported by a command, listed and loaded in place for a browser too, and removed from the list without being deleted', async () => {
    const before = statSync(path);
    expect(await tabagent('import', path)).toMatchObject({ code: 0, stdout: expect.stringContaining(ID) });
    expect((await tabagent('ls')).stdout).toMatch(new RegExp(`^MODEL +SIZE +SOURCE\n${ID} +\\S+ MB +import\n$`));

    const host = fixture.host();
    const loaded = await host.request('LOAD_MODEL', {
      modelPath: ID,
      settings: { n_gpu_layers: 0, n_ctx: 128, n_threads: 1 },
    });
    expect(loaded).toMatchObject({ status: 'success', payload: { modelPath: ID } });
    await host.close();

    expect(await tabagent('rm', ID)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Removed from the list'),
    });
    expect((await tabagent('ls')).stdout).toBe('');
    expect(statSync(path)).toMatchObject({ ino: before.ino, size: before.size, mtimeMs: before.mtimeMs });
    expect(readdirSync(join(fixture.home, 'models'))).toEqual([]);
  });

  it('has its own ID if another file has the same name, and keeps it', async () => {
    const other = put(MODEL, fixture.home, 'elsewhere/own.gguf');
    const idOf = async (file: string) => JSON.parse((await tabagent('import', file, '--json')).stdout).model.id;
    const ids = [await idOf(path), await idOf(other)];
    expect(new Set(ids).size).toBe(2);
    expect([await idOf(path), await idOf(other)]).toEqual(ids);
  });

  it('is not listed once it is missing, and requests for it report that', async () => {
    await tabagent('import', path);
    rmSync(path);
    expect((await tabagent('ls')).stdout).toBe('');
    const reply = await tabagent('call', 'LOAD_MODEL', JSON.stringify({ modelPath: ID }));
    expect(reply).toMatchObject({ code: 3, stdout: expect.stringContaining('MODEL_NOT_DOWNLOADED') });
  });

  it('is rejected if it is not a model, or missing', async () => {
    const page = put('<!doctype html>', fixture.home, 'page.gguf');
    expect(await tabagent('import', page)).toMatchObject({ code: 1, stderr: expect.stringContaining('a web page') });
    expect(await tabagent('import', join(fixture.home, 'none.gguf'))).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('FILE_NOT_FOUND'),
    });
    expect(await tabagent('import', fixture.home)).toMatchObject({ code: 3 });
    expect((await tabagent('ls')).stdout).toBe('');
  });

  it('can be named as in the program that manages it', async () => {
    putOllama(join(fixture.home, '.ollama/models'), 'markov', 'f16', [{ content: MODEL }]);
    const shown = await tabagent('show', 'Markov:f16', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({ model: { id: 'local/ollama/markov/f16' } });
  });

  it('is listed from a folder that config.json names', async () => {
    put(JSON.stringify({ modelFolders: [join(fixture.home, 'somewhere')] }), fixture.home, 'config.json');
    expect((await tabagent('ls')).stdout).toMatch(/\nlocal\/folder\/own\.gguf +\S+ MB +folder\n$/);
    expect(await tabagent('rm', 'local/folder/own.gguf')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('NOT_OURS'),
    });
  });
});
