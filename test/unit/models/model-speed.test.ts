import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { whenAborted } from '../../../host/common/when-aborted.ts';
import type { LoadedModel } from '../../../host/models/model-engine.ts';
import { ModelSpeed } from '../../../host/models/model-speed.ts';
import type { Namespace } from '../../../host/store/types.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const WORK = { quantization: 'F16', bytes: 1e9, gpuShare: 0, layers: 0 };
const MODEL = { quantization: 'F16', bytesPerToken: 1e9, gpuLayers: 0, cpuLayers: 4 } as LoadedModel;

function memoryNamespace(): Namespace<unknown> {
  const values = new Map<string, unknown>();
  return {
    get: async (key) => values.get(key),
    getMany: async (keys) => keys.map((key) => values.get(key)),
    set: async (key, value) => void values.set(key, value),
    delete: async (key) => void values.delete(key),
    deleteMany: async (keys) => keys.forEach((key) => void values.delete(key)),
    async *entries() {
      yield* values.entries();
    },
  };
}

function speedWith(store = memoryNamespace(), machine = 'a CPU') {
  let measurements = 0;
  let isBusy = false;
  const speed = new ModelSpeed({
    store,
    machine: async () => machine,
    measure: async () => {
      measurements += 1;
      return { plain: 20e9, quantized: 10e9 };
    },
    isBusy: async () => isBusy,
    log: new RecordedLog(),
  });
  const setBusy = (value: boolean) => {
    isBusy = value;
  };
  return { speed, measurements: () => measurements, setBusy };
}

describe('ModelSpeed', () => {
  it('measures a computer once, even across restarts', async () => {
    const store = memoryNamespace();
    const first = speedWith(store);
    expect((await first.speed.estimator())(WORK)).toBeCloseTo(20);
    expect((await first.speed.estimator())(WORK)).toBeCloseTo(20);
    expect(first.measurements()).toBe(1);
    const second = speedWith(store);
    expect((await second.speed.estimator())(WORK)).toBeCloseTo(20);
    expect(second.measurements()).toBe(0);
    const other = speedWith(store, 'another CPU');
    await other.speed.estimator();
    expect(other.measurements()).toBe(1);
  });

  it('prefers the measured speed of models to that of the computer', async () => {
    const { speed } = speedWith();
    await speed.record(MODEL, { completionTokens: 100, tokensPerSecond: 10 });
    expect((await speed.estimator())(WORK)).toBeCloseTo(10);
    await speed.record(MODEL, { completionTokens: 100, tokensPerSecond: 20 });
    expect((await speed.estimator())(WORK)).toBeCloseTo(15);
    expect((await speed.estimator())({ ...WORK, quantization: 'Q4_0' })).toBeCloseTo(10);
  });

  it.each([
    ['short answers', MODEL, 5],
    ['models on two devices', { ...MODEL, gpuLayers: 2, cpuLayers: 2 }, 100],
    ['remote models', { ...MODEL, bytesPerToken: undefined } as unknown as LoadedModel, 100],
  ])('learns nothing from %s', async (_what, model, completionTokens) => {
    const { speed } = speedWith();
    await speed.record(model, { completionTokens, tokensPerSecond: 1 });
    expect((await speed.estimator())(WORK)).toBeCloseTo(20);
  });

  it('is not measured while models are loaded or used, but afterwards', async () => {
    const { speed, measurements, setBusy } = speedWith();
    setBusy(true);
    expect((await speed.estimator())(WORK)).toBeNull();
    expect(measurements()).toBe(0);
    setBusy(false);
    await speed.estimator();
    // Only the first request waits.
    await setImmediate();
    expect((await speed.estimator())(WORK)).toBeCloseTo(20);
  });

  it('aborts a measurement before a model is loaded or used, and repeats it later', async () => {
    const log = new RecordedLog();
    const started = Promise.withResolvers<void>();
    let signals = 0;
    const speed = new ModelSpeed({
      store: memoryNamespace(),
      machine: async () => 'a CPU',
      measure: async (signal) => {
        signals += 1;
        started.resolve();
        if (signals === 1) await whenAborted(signal);
        signal.throwIfAborted();
        return { plain: 20e9, quantized: 10e9 };
      },
      isBusy: async () => false,
      log,
    });
    const estimate = speed.estimator();
    await started.promise;
    speed.interrupt();
    expect((await estimate)(WORK)).toBeNull();
    await speed.estimator();
    await setImmediate();
    expect((await speed.estimator())(WORK)).toBeCloseTo(20);
    expect(log.lines.map(({ event }) => event)).toEqual(['speed.measured']);
  });

  it('is not measured if the user has turned that off', async () => {
    const speed = new ModelSpeed({
      store: memoryNamespace(),
      machine: async () => 'a CPU',
      measure: undefined,
      isBusy: async () => false,
      log: new RecordedLog(),
    });
    expect((await speed.estimator())(WORK)).toBeNull();
  });

  it('is not measured again in the same host after a failure', async () => {
    let measurements = 0;
    const speed = new ModelSpeed({
      store: memoryNamespace(),
      machine: async () => 'a CPU',
      measure: async () => {
        measurements += 1;
        throw new Error('no process');
      },
      isBusy: async () => false,
      log: new RecordedLog(),
    });
    expect((await speed.estimator())(WORK)).toBeNull();
    expect((await speed.estimator())(WORK)).toBeNull();
    expect(measurements).toBe(1);
  });
});
