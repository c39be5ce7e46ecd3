import { requestAborted } from '../common/host-errors.ts';
import type { Embedded, EmbedRequest, Ranked, RankRequest } from '../models/embedding.ts';
import { type GenerateRequest, type GenerationResult, NOTHING_GENERATED } from '../models/generation.ts';
import type { EmbedOptions, GenerateOptions } from '../models/model-server.ts';
import { JobQueue } from './job-queue.ts';
import type { RunnerProcess } from './runner-process.ts';

/**
 * What one loaded model is asked for: generations, and texts to embed or rank. All of it runs in the order it came, one
 * piece at a time: a model's context holds one sequence, so two at once would each be half as fast and lose the other's
 * prefix. Texts come in pieces of a few (see `embedTexts`), so that a long list leaves others their turns.
 */
export class Generations {
  readonly #runner: RunnerProcess;
  readonly #turns: JobQueue;

  constructor(modelId: string, runner: RunnerProcess) {
    this.#runner = runner;
    this.#turns = new JobQueue(modelId, runner);
  }

  /**
   * Runs a generation when its turn comes.
   *
   * @throws HostError what the runner says (`CONTEXT_OVERFLOW`, `CHAT_TEMPLATE_FAILED`, `INVALID_REQUEST`,
   * `GENERATION_FAILED`), and what {@link JobQueue.take} throws.
   */
  run(order: GenerateRequest, { signal, onProgress, tag }: GenerateOptions): Promise<GenerationResult> {
    return this.#turns.take({
      kind: 'generate',
      tag,
      signal,
      run: (generation) => this.#runner.call('generate', { generation, order }, onProgress),
      stopped: () => NOTHING_GENERATED,
      isStopped: ({ finishReason }) => finishReason === 'stopped',
    });
  }

  /**
   * Embeds some texts when their turn comes, in order.
   *
   * @throws HostError what the runner says (`CONTEXT_OVERFLOW`, `INVALID_REQUEST`, `INSUFFICIENT_MEMORY`,
   * `EMBEDDING_FAILED`), and what {@link JobQueue.take} throws.
   */
  embed(order: EmbedRequest, { signal }: EmbedOptions): Promise<readonly Embedded[]> {
    return this.#turns.take({
      kind: 'embed',
      signal,
      run: (work) => this.#runner.call('embed', { work, order }),
      stopped: givenUp,
    });
  }

  /**
   * Scores some documents when their turn comes, in order.
   *
   * @throws HostError as {@link embed}, and `MODEL_NOT_CAPABLE` where the vocabulary has no token to part query and document.
   */
  rank(order: RankRequest, { signal }: EmbedOptions): Promise<readonly Ranked[]> {
    return this.#turns.take({
      kind: 'rank',
      signal,
      run: (work) => this.#runner.call('rank', { work, order }),
      stopped: givenUp,
    });
  }

  /** Stops generations of this tag, or all; says how many. They answer with what they have, those that wait with nothing. */
  stop(tag?: string | number): number {
    return this.#turns.stop('generate', tag);
  }

  /** Ends all because the model goes; the runner is killed by its owner. */
  close(): void {
    this.#turns.close();
  }
}

function givenUp(): never {
  throw requestAborted();
}
