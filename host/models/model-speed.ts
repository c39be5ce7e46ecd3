import type { Logger } from '../common/log.ts';
import { withTimeout } from '../common/with-timeout.ts';
import { type TokenWork, tokensPerSecond, type WeightSpeed } from '../hardware/token-speed.ts';
import type { Namespace } from '../store/types.ts';
import type { LoadedModel } from './model-engine.ts';

/** Fewest tokens of an answer whose speed counts: the first ones are slower. */
const MIN_TOKENS = 16;

/** Weight of the latest answer in the average of a model's real speed. */
const LATEST_WEIGHT = 0.5;

/** Longest time that the first request waits for the measurement, milliseconds: twice what it takes on an idle computer. */
const WAIT_MS = 2_000;

/** What the speed of models is estimated with. */
export interface ModelSpeedOptions {
  readonly store: Namespace<unknown>;
  /** Measures how fast llama.cpp reads weights; undefined if the user has turned that off. */
  readonly measure: ((signal: AbortSignal) => Promise<WeightSpeed>) | undefined;
  /** Returns whether models are being loaded or used: a measurement would slow them down, and be wrong. */
  readonly isBusy: () => Promise<boolean>;
  /** Names what was measured: another CPU, or another number of threads, is measured again. */
  readonly machine: () => Promise<string>;
  readonly log: Logger;
}

/**
 * Estimates how fast models generate: from how fast llama.cpp reads weights on this computer, which is measured once in
 * the background and kept, and from what loaded models really did.
 */
export class ModelSpeed {
  readonly #options: ModelSpeedOptions;
  #measured: Promise<WeightSpeed | undefined> | undefined;
  #hasWaited = false;
  /** The measurement that is running. */
  #measurement: AbortController | undefined;

  constructor(options: ModelSpeedOptions) {
    this.#options = options;
  }

  /** Returns a function that estimates tokens per second; null for what is not known yet. */
  async estimator(): Promise<(work: TokenWork) => number | null> {
    this.#measured ??= this.#measuredSpeed();
    // Only the first request waits: the measurement may take longer on a busy computer, or fail.
    const waitMs = this.#hasWaited ? 0 : WAIT_MS;
    this.#hasWaited = true;
    const [speed, real] = await Promise.all([
      withTimeout(this.#measured, waitMs, 'The measurement').catch(() => undefined),
      this.#real(),
    ]);
    return (work) => {
      const known = real.get(keyOf(work)) ?? 0;
      if (known > 0) return known / work.bytes;
      const estimate = speed === undefined ? undefined : tokensPerSecond(work, speed);
      return estimate ?? null;
    };
  }

  /** Ends a measurement that is running, because a model is to be loaded or used. A later estimate measures again. */
  interrupt(): void {
    this.#measurement?.abort(new Error('A model is loaded or used'));
  }

  /** Takes into account how fast a loaded model generated an answer. */
  async record(
    model: LoadedModel,
    usage: { readonly completionTokens: number; readonly tokensPerSecond: number },
  ): Promise<void> {
    const { bytesPerToken: bytes, quantization, gpuLayers, cpuLayers } = model;
    if (bytes === undefined || usage.completionTokens < MIN_TOKENS || !(usage.tokensPerSecond > 0)) return;
    // The speed of a split model says nothing about the GPU or the CPU alone.
    if (gpuLayers > 0 && cpuLayers > 0) return;
    const key = keyOf({ quantization, gpuShare: gpuLayers > 0 ? 1 : 0 });
    const latest = bytes * usage.tokensPerSecond;
    try {
      const before = (await this.#real()).get(key);
      const average = before === undefined ? latest : before + LATEST_WEIGHT * (latest - before);
      await this.#options.store.set(key, average);
    } catch (error) {
      this.#options.log.warn('speed.not-saved', { error });
    }
  }

  /** Bytes of weights per second that models really read, by {@link keyOf}. */
  async #real(): Promise<Map<string, number>> {
    const real = new Map<string, number>();
    for await (const [key, value] of this.#options.store.entries()) {
      if (typeof value === 'number' && value > 0) real.set(key, value);
    }
    return real;
  }

  /** Returns the measured speed; undefined if it was not measured. After a failure, this host does not try again. */
  async #measuredSpeed(): Promise<WeightSpeed | undefined> {
    const { store, machine, measure, isBusy, log } = this.#options;
    const measurement = new AbortController();
    try {
      const key = `machine ${await machine()}`;
      const saved = await store.get(key);
      if (isWeightSpeed(saved)) return saved;
      if (measure === undefined) return undefined;
      this.#measurement = measurement;
      if (await isBusy()) this.interrupt();
      measurement.signal.throwIfAborted();
      const speed = await measure(measurement.signal);
      log.info('speed.measured', { ...speed });
      await store.set(key, speed);
      return speed;
    } catch (error) {
      if (measurement.signal.aborted) this.#measured = undefined;
      else log.warn('speed.not-measured', { error });
      return undefined;
    } finally {
      this.#measurement = undefined;
    }
  }
}

function keyOf({ quantization, gpuShare }: Pick<TokenWork, 'quantization' | 'gpuShare'>): string {
  return `${gpuShare === 0 ? 'cpu' : gpuShare === 1 ? 'gpu' : 'split'} ${quantization}`;
}

function isWeightSpeed(value: unknown): value is WeightSpeed {
  const { plain, quantized } = (value ?? {}) as Partial<WeightSpeed>;
  return typeof plain === 'number' && plain > 0 && typeof quantized === 'number' && quantized > 0;
}
