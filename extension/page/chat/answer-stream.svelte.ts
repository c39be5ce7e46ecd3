import { SvelteMap } from 'svelte/reactivity';
import type { RunningAnswer } from '../../worker/page-messages.ts';
import type { WorkerNotice } from '../worker-client.ts';

/** Interval between two drawings of a growing answer, milliseconds. Parsing it for every token would take all the time. */
const DRAW_MS = 80;

/** The answers that are being generated, by conversation, as the worker reports them. */
export class AnswerStream {
  readonly #drawn = new SvelteMap<string, RunningAnswer>();
  readonly #received = new Map<string, RunningAnswer>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  get(conversationId: string | undefined): RunningAnswer | undefined {
    return conversationId === undefined ? undefined : this.#drawn.get(conversationId);
  }

  /** Applies what the worker reports. The caller removes an answer that ended, once it has the stored one. */
  apply(notice: WorkerNotice): void {
    if (notice.kind === 'running') {
      for (const id of this.#drawn.keys()) this.remove(id);
      for (const answer of notice.answers) this.#start(answer);
    } else if (notice.kind === 'answerStarted') this.#start(notice.answer);
    else if (notice.kind === 'answerText') {
      const before = this.#received.get(notice.conversationId);
      if (before === undefined) return;
      const { conversationId, text, tokens, tokensPerSecond } = notice;
      this.#received.set(conversationId, { ...before, text: before.text + text, tokens, tokensPerSecond });
      this.#timer ??= setTimeout(() => this.draw(), DRAW_MS);
    }
  }

  /** Shows what was received. */
  draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [id, answer] of this.#received) this.#drawn.set(id, answer);
  }

  remove(conversationId: string): void {
    this.#received.delete(conversationId);
    this.#drawn.delete(conversationId);
  }

  #start(answer: RunningAnswer): void {
    this.#received.set(answer.conversationId, answer);
    this.#drawn.set(answer.conversationId, answer);
  }
}
