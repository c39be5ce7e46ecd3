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
import { Lane } from './lane.ts';
import { exitError, type RunnerProcess } from './runner-process.ts';

/** Longest time that a runner may take to report its memory use before it is ended, milliseconds. */
const MEMORY_TIMEOUT_MS = 2_000;

/** Longest time that saving evaluated prompts may delay an unload, milliseconds: most were saved when they were idle. */
const SAVE_TIMEOUT_MS = 1_000;

/**
 * Longest time that a generation may take to end once it was stopped, milliseconds. It takes some 5: nothing is
 * awaited.
 */
export const STOP_TIMEOUT_MS = 2_000;

/**
 * A model in a runner process. As many generations run at a time as its context has sequences; the others wait in order.
 * Beside them runs one request for embeddings and one for ranking, which have their own contexts. Long lists of texts
 * come in several requests (see `textPieces`), so that other requests run between them.
 */
export class LocalModel implements EngineModel {
  readonly info: LoadedModel;
  readonly lost: Promise<HostError>;
  readonly #runner: RunnerProcess;
  readonly #generations: Lane;
  readonly #embeddings = new Lane(1);
  readonly #rankings = new Lane(1);
  readonly #keepStates: (() => Promise<void>) | undefined;
  #nextWork = 1;

  /** @param keepStates Takes over the evaluated prompts that the runner has saved; undefined if none are kept. */
  constructor(info: LoadedModel, runner: RunnerProcess, keepStates?: () => Promise<void>) {
    this.#keepStates = keepStates;
    this.info = info;
    this.#runner = runner;
    this.#generations = new Lane(info.sequences ?? 1);
    this.lost = runner.exited.then(exitError);
  }

  /**
   * @throws HostError `CONTEXT_OVERFLOW`, `CHAT_TEMPLATE_FAILED`, `INVALID_REQUEST`, `GENERATION_FAILED`,
   * `ENGINE_CRASHED`, `ENGINE_ENDED`; the signal's reason when aborted.
   */
  generate(request: GenerateRequest, { signal, stop, onProgress }: GenerationOptions): Promise<GenerationResult> {
    return this.#inLane(this.#generations, signal, {
      end: AbortSignal.any([signal, stop]),
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
    return this.#inLane(this.#embeddings, signal, {
      end: signal,
      run: (work) => this.#runner.call('embed', { work, request }),
      stopped: () => [],
    });
  }

  /** @throws HostError as {@link embed}, and `MODEL_NOT_CAPABLE` for a vocabulary without a separator token. */
  rank(request: RankRequest, { signal }: RequestOptions): Promise<readonly Ranked[]> {
    return this.#inLane(this.#rankings, signal, {
      end: signal,
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
    if (this.#keepStates !== undefined) {
      const saved = this.#runner.call('save', null).catch(() => undefined);
      await Promise.race([saved, whenAborted(AbortSignal.timeout(SAVE_TIMEOUT_MS))]);
      await this.#keepStates();
    }
    await this.#runner.kill();
  }

  /** Forgets what was evaluated of a conversation, and of prompts that belong to no known one. */
  async forget(conversation: string): Promise<void> {
    // One that has exited has forgotten everything.
    await this.#runner.call('forget', { conversation }).catch(() => undefined);
    await this.#keepStates?.();
  }

  /**
   * Runs a request when its turn comes. When `end` is aborted, a request that still waits results in `stopped`; if it
   * runs, the runner is told to stop it, and is ended if it does not within `stopTimeoutMs`. When `signal` is aborted,
   * its reason is thrown in any case.
   */
  async #inLane<T>(
    lane: Lane,
    signal: AbortSignal,
    request: { end: AbortSignal; run: (work: number) => Promise<T>; stopped: () => T; stopTimeoutMs?: number },
  ): Promise<T> {
    signal.throwIfAborted();
    const { end } = request;
    let timer: NodeJS.Timeout | undefined;
    let work: number | undefined;
    const stop = () => {
      if (work === undefined) return;
      // A runner that has exited fails the request itself.
      this.#runner.call('stop', { work }).catch(() => undefined);
      const { stopTimeoutMs: limitMs } = request;
      if (limitMs !== undefined) timer = setTimeout(() => this.#runner.failToStop(limitMs), limitMs);
    };
    end.addEventListener('abort', stop, { once: true });
    try {
      const result = await lane.run(end, () => {
        work = this.#nextWork++;
        return request.run(work);
      });
      signal.throwIfAborted();
      return result ?? request.stopped();
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      end.removeEventListener('abort', stop);
    }
  }
}
