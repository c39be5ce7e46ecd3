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

/** A generation whose model is not known yet. */
interface StartingGeneration {
  readonly tag: RequestId | undefined;
  /** The models for which it was stopped; undefined for any. */
  readonly stoppedFor: Set<string | null | undefined>;
  readonly modelId: PromiseWithResolvers<string | null>;
}

/** The running generations, with the text generated so far. */
export class ActiveGenerations {
  readonly #running = new Set<ActiveGeneration>();
  /** Generations that have not been passed to their model yet. */
  readonly #starting = new Set<StartingGeneration>();
  readonly #waiting = new Set<() => void>();

  /** Returns the running generations, oldest first. */
  list(): readonly ActiveGeneration[] {
    return [...this.#running];
  }

  /**
   * Registers a generation that has not been passed to its model yet. The caller must call `end` just before it passes
   * the generation on, with the id of the model, or null if there is none; `end` returns whether the generation was
   * stopped in the meantime.
   */
  starting(tag: RequestId | undefined): { end(modelId: string | null): boolean } {
    const starting: StartingGeneration = { tag, stoppedFor: new Set(), modelId: Promise.withResolvers() };
    this.#starting.add(starting);
    return {
      end: (modelId) => {
        this.#starting.delete(starting);
        starting.modelId.resolve(modelId);
        return [undefined, modelId].some((id) => starting.stoppedFor.has(id));
      },
    };
  }

  /**
   * Stops generations that have not been passed to their model yet: of one model or of all, with one tag or with any.
   * Resolves with their number; for one model, only when the models of all of them are known.
   */
  async stopStarting({ id, tag }: { id: string | undefined; tag: RequestId | undefined }): Promise<number> {
    const matching = [...this.#starting].filter((starting) => tag === undefined || starting.tag === tag);
    for (const { stoppedFor } of matching) stoppedFor.add(id);
    if (id === undefined) return matching.length;
    const ids = await Promise.all(matching.map(({ modelId }) => modelId.promise));
    return ids.filter((modelId) => modelId === id).length;
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
