import { describe, expect, it } from '@jest/globals';
import { DeviceChoice } from '../../../host/engine/device-choice.ts';
import type { RunnerProcess } from '../../../host/engine/runner-process.ts';
import type { BackendGpus } from '../../../host/hardware/types.ts';
import { WatchedLog } from '../../support/engine/test-models.ts';

const MEMORY = { total: 0, free: 0, isShared: false };
const gpus = (backend: BackendGpus['backend'], ...names: string[]): BackendGpus => ({ backend, names, memory: MEMORY });

/** A choice on a computer whose driver gives devices these numbers; counts the processes that are started. */
function choiceOn(devices: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const asked: (string | undefined)[] = [];
  const start = async ({ GGML_VK_VISIBLE_DEVICES: numbers }: NodeJS.ProcessEnv) => {
    asked.push(numbers);
    const names = (numbers ?? '').split(',').map((number) => devices[Number(number)]);
    // A number without a device fails the whole backend.
    const ready = names.includes(undefined)
      ? Promise.reject(new Error('Invalid device index'))
      : Promise.resolve({ devices: names });
    return { ready, kill: async () => undefined } as unknown as RunnerProcess;
  };
  return { asked, choice: new DeviceChoice({ env, start, log: new WatchedLog() }) };
}

describe('the choice of GPUs', () => {
  it('uses the numbers of CUDA, which are those of its list', async () => {
    const { choice, asked } = choiceOn([]);
    expect(await choice.variablesFor([1, 0], gpus('cuda', 'A', 'B', 'C'))).toEqual({ CUDA_VISIBLE_DEVICES: '1,0' });
    expect(asked).toEqual([]);
  });

  it.each([
    ['cuda' as const, 'CUDA_VISIBLE_DEVICES', 'GPU-1a2b, 3,0'],
    ['vulkan' as const, 'GGML_VK_VISIBLE_DEVICES', 'GPU-1a2b, 3,0'],
  ])("stays within the user's own restriction: %s", async (backend, variable, value) => {
    const { choice, asked } = choiceOn([], { [variable]: value });
    expect(await choice.variablesFor([0, 1], gpus(backend, 'A', 'B'))).toEqual({ [variable]: 'GPU-1a2b,3' });
    expect(asked).toEqual([]);
  });

  it("finds the numbers of Vulkan's GPUs by their names, once", async () => {
    const { choice, asked } = choiceOn(['llvmpipe', 'Arc', 'Radeon', 'Radeon']);
    const listed = gpus('vulkan', 'Radeon', 'Arc', 'Radeon');
    expect(await choice.variablesFor([0], listed)).toEqual({ GGML_VK_VISIBLE_DEVICES: '2' });
    expect(await choice.variablesFor([1, 2], listed)).toEqual({ GGML_VK_VISIBLE_DEVICES: '1,3' });
    expect(asked).toEqual(['0', '0,1', '0,1,2', '0,1,2,3', '0,1,2,3,4']);
  });

  it('fails if a GPU has no number', async () => {
    const { choice } = choiceOn(['Arc']);
    await expect(choice.variablesFor([1], gpus('vulkan', 'Arc', 'Radeon'))).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
    });
  });

  it('needs no variable for Metal, which has one GPU', async () => {
    expect(await choiceOn([]).choice.variablesFor([0], gpus('metal', 'Apple M2'))).toEqual({});
  });
});
