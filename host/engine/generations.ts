import { HostError } from '../errors.ts';
import { type GenerateOrder, type GenerationResult, NOTHING_GENERATED } from '../serving/generation.ts';
import type { GenerateOptions } from '../serving/model-server.ts';
import type { RunnerProcess } from './runner-process.ts';

interface Generation {
  readonly tag: string | number | undefined;
  /** Undefined while it waits for its turn. */
  number: number | undefined;
  stopped: boolean;
  /** Lets it go without its turn. */
  release(): void;
}

/**
 * The generations of one loaded model. They run in the order they came, one at a time: a model's context holds one
 * sequence, so two at once would each be half as fast and lose the other's prefix.
 */
export class Generations {
  readonly #modelId: string;
  readonly #runner: RunnerProcess;
  readonly #all = new Set<Generation>();
  #last: Promise<unknown> = Promise.resolve();
  #nextNumber = 1;
  #closed = false;

  constructor(modelId: string, runner: RunnerProcess) {
    this.#modelId = modelId;
    this.#runner = runner;
  }

  /**
   * Runs a generation when its turn comes.
   *
   * @throws HostError what the runner says (`CONTEXT_OVERFLOW`, `CHAT_TEMPLATE_FAILED`, `INVALID_REQUEST`,
   * `GENERATION_FAILED`), `ENGINE_CRASHED` when it dies, `MODEL_NOT_LOADED` when the model is unloaded meanwhile; the
   * signal's reason when aborted.
   */
  async run(order: GenerateOrder, { signal, onProgress, tag }: GenerateOptions): Promise<GenerationResult> {
    signal?.throwIfAborted();
    const released = Promise.withResolvers<void>();
    const generation: Generation = { tag, number: undefined, stopped: false, release: released.resolve };
    this.#all.add(generation);
    const abort = () => this.#stop(generation);
    signal?.addEventListener('abort', abort, { once: true });
    const previous = this.#last;
    const turn = (async () => {
      await Promise.race([previous, released.promise]);
      if (generation.stopped) return NOTHING_GENERATED;
      generation.number = this.#nextNumber++;
      return this.#runner.call('generate', { generation: generation.number, order }, onProgress);
    })();
    // Whoever comes next waits for all before, also where this one leaves the line early.
    this.#last = Promise.allSettled([previous, turn]);
    try {
      const result = await turn;
      signal?.throwIfAborted();
      if (this.#closed && result.finishReason === 'stopped') throw unloaded(this.#modelId);
      return result;
    } catch (error) {
      // The runner was ended on purpose: that is no crash.
      throw this.#closed ? unloaded(this.#modelId) : error;
    } finally {
      this.#all.delete(generation);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Stops those of this tag, or all; says how many. They answer with what they have, those that wait with nothing. */
  stop(tag?: string | number): number {
    const meant = [...this.#all].filter((generation) => tag === undefined || generation.tag === tag);
    for (const generation of meant) this.#stop(generation);
    return meant.length;
  }

  /** Ends all because the model goes; the runner is killed by its owner. */
  close(): void {
    this.#closed = true;
    this.stop();
  }

  #stop(generation: Generation): void {
    generation.stopped = true;
    generation.release();
    if (generation.number === undefined) return;
    // A runner that has died answers the generation itself.
    this.#runner.call('stop', { generation: generation.number }).catch(() => undefined);
  }
}

function unloaded(modelId: string): HostError {
  return new HostError('MODEL_NOT_LOADED', `Model not loaded: ${modelId}. It was unloaded while it generated.`, {
    details: { modelId },
  });
}
