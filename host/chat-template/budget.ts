import { TemplateLimitError } from './errors.ts';

/** Limits of one rendering. {@link Budget.forVariables} raises `steps` and `characters` for large inputs. */
export interface RenderLimits {
  /** Evaluated statements, expressions and elements. */
  readonly steps: number;
  /** UTF-16 code units of text read or created; a list element counts as several. */
  readonly characters: number;
  /** Nesting of expressions, statements and macro calls. */
  readonly depth: number;
}

/**
 * A million steps take about 0.1 s; published templates need at most 20,000 for 200 messages. The characters bound
 * memory: 16 Mi code units of two bytes are 32 MiB. Twice this depth fits in V8's default stack of 984 KiB.
 */
export const DEFAULT_LIMITS: RenderLimits = { steps: 1_000_000, characters: 16 * 1024 * 1024, depth: 400 };

/** Steps added to the limit for each value in the variables: long conversations need more. */
const STEPS_PER_VALUE = 200;

/** The characters of the variables are added to the limit this many times: templates read and copy their variables. */
const PASSES_OVER_VARIABLES = 32;

/** Cost of a list element, in characters: a pointer of eight bytes. */
const ELEMENT_COST = 4;

/** Cost of an object, in characters: a list and the array of its elements take about 128 bytes. */
export const OBJECT_COST = 64;

/** Cost of a substring or a concatenation, in characters: V8 copies neither. */
export const PIECE_COST = 16;

/** Cost of a character that a regular expression or a function examines: about ten times as slow as copying it. */
export const SLOW_CHARACTER_COST = 16;

/** Counts the resources that a rendering uses and throws {@link TemplateLimitError} when it exceeds a limit. */
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

  /** Returns a budget whose limits are raised in proportion to the size of the variables. */
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

  /** Counts characters that are about to be read or created. Call it before the work, which it bounds. */
  charge(characters: number): void {
    this.#characters += characters;
    if (!(this.#characters <= this.#limits.characters)) throw this.#exceeded('characters', 'characters of text');
  }

  /** Counts the elements of a list that is about to be created or iterated over. */
  chargeElements(count: number): void {
    this.charge(count * ELEMENT_COST);
  }

  /**
   * Concatenates two strings. Only the length of the result is limited: V8 stores a concatenation as a pair of strings.
   */
  join(left: string, right: string): string {
    if (left.length + right.length > this.#limits.characters) throw this.#exceeded('characters', 'characters of text');
    this.charge(PIECE_COST);
    return left + right;
  }

  /** Enters a nesting level. `leave` need not be in a `finally` block, because an error ends the rendering. */
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
