import { TemplateLimitError } from './errors.ts';

/** Limits of one rendering. What a conversation brings in is added to `steps` and `characters`, see {@link Budget}. */
export interface RenderLimits {
  /** Evaluated statements, expressions and elements. */
  readonly steps: number;
  /** UTF-16 units of text read or made; an element of a list counts as several. */
  readonly characters: number;
  /** Expressions, statements and macro calls inside each other. */
  readonly depth: number;
}

/**
 * A million steps take about 0.1 s; published templates need at most 20,000 for 200 messages. The characters bound
 * memory: 16 Mi units of two bytes are 32 MiB. The depth fits a stack of 984 KiB, V8's default, twice over.
 */
export const DEFAULT_LIMITS: RenderLimits = { steps: 1_000_000, characters: 16 * 1024 * 1024, depth: 400 };

/** Steps a template may spend on each value of its variables, on top of `steps`: long conversations take longer. */
const STEPS_PER_VALUE = 200;

/** How often a template may read or copy its variables, on top of `characters`. */
const PASSES_OVER_VARIABLES = 32;

/** Characters that an element of a list counts as: a pointer of eight bytes. */
const ELEMENT_COST = 4;

/** Characters that an object counts as: a list with its elements' array takes some 128 bytes. */
export const OBJECT_COST = 64;

/** Characters that a part of a text counts as, or a text joined from two: V8 copies neither. */
export const PIECE_COST = 16;

/**
 * Characters that one counts as where it is not only copied but looked at by a pattern or a function: that takes some
 * ten times as long.
 */
export const SLOW_CHARACTER_COST = 16;

/** Counts what a rendering uses and ends it when a limit is passed. */
export class Budget {
  readonly #limits: RenderLimits;
  #steps = 0;
  #characters = 0;
  #depth = 0;

  constructor(limits: RenderLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Widens the limits in proportion to variables of this many values and characters. */
  static forVariables(limits: RenderLimits, values: number, characters: number): Budget {
    return new Budget({
      steps: limits.steps + values * STEPS_PER_VALUE,
      characters: limits.characters + (characters + values * OBJECT_COST) * PASSES_OVER_VARIABLES,
      depth: limits.depth,
    });
  }

  /** Counts one step. */
  step(): void {
    this.#steps += 1;
    if (this.#steps > this.#limits.steps) throw this.#exceeded('steps', 'steps');
  }

  /** Counts characters that are about to be read or made. Call it before the work, so that the work is bounded. */
  charge(characters: number): void {
    this.#characters += characters;
    if (!(this.#characters <= this.#limits.characters)) throw this.#exceeded('characters', 'characters of text');
  }

  /** Counts the elements of a list that is about to be made or walked. */
  chargeElements(count: number): void {
    this.charge(count * ELEMENT_COST);
  }

  /** Joins two texts without reading them. Their length alone is bounded: V8 keeps such a text as a pair. */
  join(left: string, right: string): string {
    if (left.length + right.length > this.#limits.characters) throw this.#exceeded('characters', 'characters of text');
    this.charge(PIECE_COST);
    return left + right;
  }

  /** Goes one level deeper. An error ends the rendering, so `leave` need not be in a `finally`. */
  enter(): void {
    this.#depth += 1;
    if (this.#depth > this.#limits.depth) throw this.#exceeded('depth', 'levels of nested calls');
  }

  leave(): void {
    this.#depth -= 1;
  }

  #exceeded(limit: 'steps' | 'characters' | 'depth', noun: string): TemplateLimitError {
    return new TemplateLimitError(limit, `the template needs more than ${this.#limits[limit]} ${noun}`);
  }
}
