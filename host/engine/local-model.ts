import type { HostError } from '../common/errors.ts';
import { whenAborted } from '../common/when-aborted.ts';
import type { Embedded, EmbedRequest, Ranked, RankRequest } from '../models/embedding.ts';
import {
  type GenerateRequest,
  type GenerationResult,
  NOTHING_GENERATED,
  type PromptInput,
  type RenderedPrompt,
} from '../models/generation.ts';
import type {
  EngineModel,
  FreedMemory,
  GenerationOptions,
  LoadedModel,
  RequestOptions,
} from '../models/model-engine.ts';
import { exitError, type RunnerProcess } from './runner-process.ts';

/** Longest time that a runner may take to report its memory use before it is ended, milliseconds. */
const MEMORY_TIMEOUT_MS = 2_000;

/**
 * Longest time that a generation may take to end once it was stopped, milliseconds. It takes some 5: nothing is
 * awaited.
 */
export const STOP_TIMEOUT_MS = 2_000;

/**
 * A model in a runner process. Its requests run in order, one at a time: the context holds one sequence, so two at once
 * would each be half as fast and overwrite each other's prefix. Long lists of texts come in several requests (see
 * `textPieces`), so that other requests run between them.
 */
export class LocalModel implements EngineModel {
  readonly info: LoadedModel;
  readonly lost: Promise<HostError>;
  readonly #runner: RunnerProcess;
  /** Settles when every request before the next one has ended. */
  #previous: Promise<unknown> = Promise.resolve();
  #nextWork = 1;

  constructor(info: LoadedModel, runner: RunnerProcess) {
    this.info = info;
    this.#runner = runner;
    this.lost = runner.exited.then(exitError);
  }

  /**
   * @throws HostError `CONTEXT_OVERFLOW`, `CHAT_TEMPLATE_FAILED`, `INVALID_REQUEST`, `GENERATION_FAILED`,
   * `ENGINE_CRASHED`, `ENGINE_ENDED`; the signal's reason when aborted.
   */
  generate(request: GenerateRequest, { signal, stop, onProgress }: GenerationOptions): Promise<GenerationResult> {
    return this.#inOrder(signal, AbortSignal.any([signal, stop]), {
      stopTimeoutMs: STOP_TIMEOUT_MS,
      run: (work) => this.#runner.call('generate', { work, request }, onProgress),
      stopped: () => NOTHING_GENERATED,
    });
  }

  /**
   * @throws HostError `CONTEXT_OVERFLOW`, `INVALID_REQUEST`, `INSUFFICIENT_MEMORY`, `EMBEDDING_FAILED`,
   * `ENGINE_CRASHED`; the signal's reason when aborted.
   */
  embed(request: EmbedRequest, { signal }: RequestOptions): Promise<readonly Embedded[]> {
    return this.#inOrder(signal, signal, {
      run: (work) => this.#runner.call('embed', { work, request }),
      stopped: () => [],
    });
  }

  /** @throws HostError as {@link embed}, and `MODEL_NOT_CAPABLE` for a vocabulary without a separator token. */
  rank(request: RankRequest, { signal }: RequestOptions): Promise<readonly Ranked[]> {
    return this.#inOrder(signal, signal, {
      run: (work) => this.#runner.call('rank', { work, request }),
      stopped: () => [],
    });
  }

  /**
   * Does not wait for requests that run: nothing is evaluated.
   *
   * @throws HostError `CHAT_TEMPLATE_FAILED`, `CONTEXT_OVERFLOW`, `ENGINE_CRASHED`.
   */
  render(input: PromptInput): Promise<RenderedPrompt> {
    return this.#runner.call('render', input);
  }

  /** @throws HostError `CONTEXT_OVERFLOW`, `ENGINE_CRASHED`. */
  countTokens(texts: readonly string[]): Promise<number> {
    return this.#runner.call('countTokens', texts);
  }

  /** Does not wait for a busy runner; it then returns the figures of the load. */
  async memory(): Promise<FreedMemory> {
    const timeout = AbortSignal.timeout(MEMORY_TIMEOUT_MS);
    const memory = await Promise.race([this.#runner.call('memory', null).catch(() => undefined), whenAborted(timeout)]);
    return { ramFreed: memory?.ram ?? this.info.ramUsed, vramFreed: memory?.vram ?? this.info.vramUsed };
  }

  async unload(): Promise<void> {
    await this.#runner.kill();
  }

  /**
   * Runs a request after those before it. When `end` is aborted, a request that still waits results in `stopped`; if it
   * runs, the runner is told to stop it, and is ended if it does not within `stopTimeoutMs`. When `signal` is aborted,
   * its reason is thrown in any case.
   */
  async #inOrder<T>(
    signal: AbortSignal,
    end: AbortSignal,
    request: { run: (work: number) => Promise<T>; stopped: () => T; stopTimeoutMs?: number },
  ): Promise<T> {
    signal.throwIfAborted();
    const previous = this.#previous;
    let work: number | undefined;
    const done = (async () => {
      await Promise.race([previous, whenAborted(end)]);
      if (end.aborted) return request.stopped();
      work = this.#nextWork++;
      return request.run(work);
    })();
    // The next request waits for all before it, even if this one has left early.
    this.#previous = Promise.allSettled([previous, done]);
    let timer: NodeJS.Timeout | undefined;
    const stop = () => {
      if (work === undefined) return;
      // A runner that has exited fails the request itself.
      this.#runner.call('stop', { work }).catch(() => undefined);
      const { stopTimeoutMs: limitMs } = request;
      if (limitMs !== undefined) timer = setTimeout(() => this.#runner.failToStop(limitMs), limitMs);
    };
    end.addEventListener('abort', stop, { once: true });
    try {
      const result = await done;
      signal.throwIfAborted();
      return result;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      end.removeEventListener('abort', stop);
    }
  }
}
