import { sum } from '../../../common/sum.ts';
import type { ThreadCount } from './thread-count.ts';

/** Evaluations and milliseconds that make a window, at least: fewer say more of chance than of the threads. */
const WINDOW_EVALUATIONS = 10;
const WINDOW_MS = 60;
/** So many milliseconds make one in any case: pieces of a long prompt take a second each. */
const LONG_WINDOW_MS = 1_000;

/** The slowest part of a window is left out: other programs wake up for a moment. */
const LEFT_OUT = 0.1;

/** A trial has to need less than this part of the time, or it was for nothing. */
const WORTH_IT = 0.97;

/** A trial that needs so many times as long is given up without waiting for its window: threads spin without a core. */
const HOPELESS = 2;
const HOPELESS_EVALUATIONS = 2;
const HOPELESS_MS = 300;

/** A single evaluation that needs so many times as long, and loses so many milliseconds, is enough to give up. */
const HOPELESS_AT_ONCE = 4;
const LOST_AT_ONCE_MS = 30;

/** Part of the time that trials in vain may lose: after a dear one there is a long rest. */
const LOSS_SHARE = 0.02;

/** Beyond these parts of what they needed before, two windows long, something else has changed: others are tried soon. */
const MUCH_SLOWER = 1.25;
const MUCH_QUICKER = 0.8;

/** Windows between two trials; doubled up to the second number while trials are in vain. */
const FIRST_REST = 6;
const LONGEST_REST = 96;

/**
 * Finds how many threads evaluate soonest, by how long evaluations take: tries a step more and a step fewer from time to
 * time, stays where it is quicker, and looks again when something has changed. It knows no clock and no llama.cpp.
 */
export class ThreadClimber implements ThreadCount {
  readonly #most: number;
  #threads: number;
  /** The number that was good, and milliseconds a token then. */
  #steady: { readonly threads: number; readonly ms: number } | undefined;
  #window: { tokens: number; ms: number }[] = [];
  /** The first evaluation after a change is not counted: threads are being made. */
  #skip = true;
  /** What was suggested last, and whether it is still to be tried. */
  #suggested: number | undefined;
  #news: number | undefined;
  /** What the present trial has lost, milliseconds. */
  #lost = 0;
  #rest = 0;
  #restAfterVain = FIRST_REST;
  #triesMore = true;
  #isBold = true;
  /** The window before was much slower or quicker than those before it. */
  #wasOther = false;

  constructor({ first, most }: { readonly first: number; readonly most: number }) {
    this.#most = Math.max(1, most);
    this.#threads = Math.min(Math.max(1, first), this.#most);
  }

  /** How many threads the next evaluation should have. */
  get threads(): number {
    return this.#threads;
  }

  /**
   * Hears for how many threads there are free cores now. What is news is tried next, without waiting for the rest between
   * trials: a neighbour that has come or gone is known sooner from the system than from what evaluations take.
   */
  suggest(threads: number): void {
    const suggested = Math.min(Math.max(1, threads), this.#most);
    if (suggested === this.#suggested) return;
    this.#suggested = suggested;
    if (this.#steady === undefined) this.#threads = suggested;
    else this.#news = suggested;
  }

  /** Takes what an evaluation of so many tokens took. */
  took(tokens: number, ms: number): void {
    if (this.#most === 1 || tokens < 1) return;
    if (this.#isTrial) {
      const lost = ms - tokens * (this.#steady?.ms ?? 0);
      this.#lost += lost;
      if (lost > LOST_AT_ONCE_MS && lost > (1 - 1 / HOPELESS_AT_ONCE) * ms) {
        this.#goBack();
        return;
      }
    }
    if (this.#skip) {
      this.#skip = false;
      return;
    }
    this.#window.push({ tokens, ms });
    const total = sum(this.#window.map((one) => one.ms));
    const isWhole = (this.#window.length >= WINDOW_EVALUATIONS && total >= WINDOW_MS) || total >= LONG_WINDOW_MS;
    if (this.#isHopeless(total)) this.#goBack();
    else if (this.#isCrowded(total)) this.#tryNews(perTokenOf(this.#window));
    else if (isWhole) {
      const perToken = perTokenOf(this.#window);
      this.#window = [];
      this.#judge(perToken);
    }
  }

  get #isTrial(): boolean {
    return this.#steady !== undefined && this.#threads !== this.#steady.threads;
  }

  #isHopeless(total: number): boolean {
    const steady = this.#steady;
    if (steady === undefined || !this.#isTrial) return false;
    const isEnough = this.#window.length >= HOPELESS_EVALUATIONS || total >= HOPELESS_MS;
    return isEnough && perTokenOf(this.#window) > HOPELESS * steady.ms;
  }

  /** Whether fewer threads were suggested and these have become as slow as threads that share a core. */
  #isCrowded(total: number): boolean {
    const steady = this.#steady;
    if (steady === undefined || this.#news === undefined || this.#news >= this.#threads) return false;
    if (this.#threads !== steady.threads) return false;
    const isEnough = this.#window.length >= HOPELESS_EVALUATIONS || total >= HOPELESS_MS;
    return isEnough && perTokenOf(this.#window) > MUCH_SLOWER * steady.ms;
  }

  /** Tries what was suggested, against what evaluations take now: what they took before is of other times. */
  #tryNews(ms: number): void {
    const news = this.#news ?? this.#threads;
    this.#news = undefined;
    this.#wasOther = false;
    this.#steady = { threads: this.#threads, ms };
    this.#triesMore = news > this.#threads;
    this.#restAfterVain = FIRST_REST;
    this.#change(news);
  }

  #judge(ms: number): void {
    const steady = this.#steady;
    if (steady === undefined) {
      this.#steady = { threads: this.#threads, ms };
      this.#try();
    } else if (this.#threads !== steady.threads) {
      if (ms > WORTH_IT * steady.ms) this.#goBack();
      else {
        this.#steady = { threads: this.#threads, ms };
        this.#restAfterVain = FIRST_REST;
        // What helped once may help again.
        this.#try();
      }
    } else this.#watch(ms, steady);
  }

  #watch(ms: number, steady: { readonly threads: number; readonly ms: number }): void {
    const change = ms / steady.ms;
    const isOther = change > MUCH_SLOWER || change < MUCH_QUICKER;
    const news = this.#news ?? this.#threads;
    // Fewer only where it has become slower: a load that comes and goes would have them tried again and again.
    if (news > this.#threads || (news < this.#threads && (change > MUCH_SLOWER || this.#wasOther))) {
      this.#tryNews(ms);
      return;
    }
    this.#news = undefined;
    if (isOther && !this.#wasOther) {
      this.#wasOther = true;
      return;
    }
    this.#wasOther = false;
    if (isOther) {
      this.#steady = { threads: steady.threads, ms };
      this.#triesMore = change < MUCH_QUICKER;
      this.#restAfterVain = FIRST_REST;
      this.#rest = 0;
    } else {
      // A context that grows makes every token a little slower.
      this.#steady = { threads: steady.threads, ms: (3 * steady.ms + ms) / 4 };
      this.#rest -= 1;
    }
    if (this.#rest <= 0) this.#try();
  }

  /** Tries the next number in the present direction, or in the other one where there is none. */
  #try(): void {
    const [next, other] = this.#triesMore ? [this.#more, this.#fewer] : [this.#fewer, this.#more];
    if (next === this.#threads) this.#triesMore = !this.#triesMore;
    this.#change(next === this.#threads ? other : next);
  }

  #goBack(): void {
    if (this.#steady !== undefined && this.#threads < this.#steady.threads) this.#isBold = !this.#isBold;
    const lost = this.#lost;
    const isBeyond = this.#suggested !== undefined && this.#threads > this.#suggested;
    this.#change(this.#steady?.threads ?? this.#threads);
    this.#triesMore = !this.#triesMore;
    // More threads than there are free cores were bound to be in vain, and are until the system says otherwise.
    const rest = isBeyond ? LONGEST_REST : this.#restAfterVain;
    const windowMs = Math.min(LONG_WINDOW_MS, Math.max(WINDOW_MS, WINDOW_EVALUATIONS * (this.#steady?.ms ?? 0)));
    // Where the system tells no load, a neighbour that goes is found by trials alone: then they are worth their loss.
    const bounded = this.#suggested === undefined ? 0 : Math.ceil(lost / (LOSS_SHARE * windowMs));
    this.#rest = Math.max(rest, bounded);
    this.#restAfterVain = Math.min(LONGEST_REST, 2 * this.#restAfterVain);
  }

  get #more(): number {
    return Math.min(this.#most, this.#threads + this.#step);
  }

  /** By turns a large step and a small one: of many threads a few less make a difference that chance hides. */
  get #fewer(): number {
    return Math.max(1, this.#threads - (this.#isBold ? Math.floor(this.#threads / 2) : this.#step));
  }

  /** One of few, a quarter of many. */
  get #step(): number {
    return Math.max(1, Math.floor(this.#threads / 4));
  }

  #change(threads: number): void {
    this.#threads = threads;
    this.#window = [];
    this.#skip = true;
    this.#lost = 0;
  }
}

/** Milliseconds a token, without the slowest evaluations. */
function perTokenOf(window: readonly { readonly tokens: number; readonly ms: number }[]): number {
  const kept = window
    .toSorted((a, b) => a.ms / a.tokens - b.ms / b.tokens)
    .slice(0, Math.max(1, Math.floor(window.length * (1 - LEFT_OUT))));
  return sum(kept.map(({ ms }) => ms)) / sum(kept.map(({ tokens }) => tokens));
}
