import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { StateStore } from '../../../host/engine/states/state-store.ts';
import { itOnPosix } from '../../support/describe-on-posix.ts';
import { WatchedLog } from '../../support/engine/test-models.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const LIMIT = 64 * MiB;

const temp = tempFolder('states');
afterAll(() => temp.remove());

const store = new StateStore({ folder: join(temp.path, 'states'), limitBytes: LIMIT, log: new WatchedLog() });

/** Opens a runner's folder. */
function open(): string {
  const folder = store.openFolder();
  if (folder === undefined) throw new Error('No folder was created');
  return folder;
}

/** Writes a file of a size that takes no space on the disk. */
function fill(folder: string, name: string, bytes: number): void {
  writeFileSync(join(folder, name), '');
  truncateSync(join(folder, name), bytes);
}

describe('the folder of a runner', () => {
  it('may hold the limit of all states and a gigabyte before its model is known', async () => {
    const folder = open();
    fill(folder, 'any-name', LIMIT);
    fill(folder, 'x.state', GiB);
    expect(await store.exceeds(folder)).toBe(false);
    fill(folder, 'more', 1);
    expect(await store.exceeds(folder)).toBe(true);
  });

  it('may also hold what all sequences of its model can', async () => {
    const folder = open();
    const model = join(temp.path, 'model.gguf');
    writeFileSync(model, 'model');
    const settings = { gpuLayers: 0, contextSize: 256, threads: 1, sequences: 3 };
    await store.fill(folder, { files: [model], sequenceBytes: 10 * MiB }, settings);
    fill(folder, 'x.state', LIMIT + 3 * 10 * MiB + GiB);
    expect(await store.exceeds(folder)).toBe(false);
    fill(folder, 'more', 1);
    expect(await store.exceeds(folder)).toBe(true);
  });

  itOnPosix('is measured without following links', 'symbolic links', async () => {
    const folder = open();
    const elsewhere = join(temp.path, 'elsewhere');
    mkdirSync(elsewhere);
    fill(elsewhere, 'large', 4 * GiB);
    symlinkSync(join(elsewhere, 'large'), join(folder, 'link'));
    expect(await store.exceeds(folder)).toBe(false);
  });

  it('that does not exist any more exceeds nothing', async () => {
    const folder = open();
    await store.close(folder);
    expect(await store.exceeds(folder)).toBe(false);
  });
});
