import type { GenerationProgress } from '../models/generation.ts';
import type { RequestId } from '../protocol/messages.ts';

/** A running generation. */
export interface ActiveGeneration {
  readonly modelId: string;
  readonly requestId: RequestId | undefined;
  /** Unix seconds. */
  readonly startedAt: number;
  conversationId: string | null;
  messageId: string | null;
  text: string;
  reasoning: string;
  tokensPerSecond: number;
  numTokens: number;
}

/** The running generations, with the text generated so far. */
export class ActiveGenerations {
  readonly #running = new Set<ActiveGeneration>();
  /** Generations that have not been passed to their model yet. */
  readonly #starting = new Set<{ readonly tag: RequestId | undefined; isStopped: boolean }>();
  readonly #waiting = new Set<() => void>();

  /** Returns the running generations, oldest first. */
  list(): readonly ActiveGeneration[] {
    return [...this.#running];
  }

  /**
   * Registers a generation that has not been passed to its model yet. The caller must call `end` just before it passes
   * the generation on; `end` returns whether the generation was stopped in the meantime.
   */
  starting(tag: RequestId | undefined): { end(): boolean } {
    const starting = { tag, isStopped: false };
    this.#starting.add(starting);
    return {
      end: () => {
        this.#starting.delete(starting);
        return starting.isStopped;
      },
    };
  }

  /**
   * Stops generations that have not been passed to their model yet: those with a tag, or all. Returns their number.
   */
  stopStarting(tag: RequestId | undefined): number {
    const matching = [...this.#starting].filter((starting) => tag === undefined || starting.tag === tag);
    for (const starting of matching) starting.isStopped = true;
    return matching.length;
  }

  start(modelId: string, requestId: RequestId | undefined): ActiveGeneration {
    const generation: ActiveGeneration = {
      modelId,
      requestId,
      startedAt: Date.now() / 1000,
      conversationId: null,
      messageId: null,
      text: '',
      reasoning: '',
      tokensPerSecond: 0,
      numTokens: 0,
    };
    this.#running.add(generation);
    return generation;
  }

  /** Appends generated text. */
  add(generation: ActiveGeneration, progress: GenerationProgress): void {
    if (progress.type !== 'text') return;
    const { kind, text, numTokens, tokensPerSecond } = progress;
    if (kind === 'answer') generation.text += text;
    else generation.reasoning += text;
    Object.assign(generation, { numTokens, tokensPerSecond });
  }

  end(generation: ActiveGeneration): void {
    this.#running.delete(generation);
    if (this.#running.size > 0) return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Resolves when no generation is running. */
  async idle(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }
}
