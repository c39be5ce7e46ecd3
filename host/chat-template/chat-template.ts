import { Budget, DEFAULT_LIMITS, type RenderLimits } from './budget.ts';
import { TemplateLimitError } from './errors.ts';
import { Interpreter } from './evaluate/interpreter.ts';
import { FILTERS } from './filters/filters.ts';
import type { Template } from './syntax/ast.ts';
import { parseTemplate } from './syntax/statement-parser.ts';
import { TESTS } from './tests.ts';
import { entriesFromJson, type InputSize, type JsonInput } from './values/from-json.ts';

/** Longest template, UTF-16 units. The longest published ones have some 25,000. */
const MAX_SOURCE_LENGTH = 256 * 1024;

const KNOWN_NAMES = { filters: new Set(FILTERS.keys()), tests: new Set(TESTS.keys()) };

/** Variables of a template by name. */
export type TemplateVariables = { readonly [name: string]: JsonInput };

/** Options of one rendering. */
export interface RenderOptions {
  /** The time that `strftime_now` returns. @default now */
  readonly now?: Date | undefined;
  readonly limits?: Partial<RenderLimits> | undefined;
}

/** A rendering, and how much work it was. */
export interface Rendering {
  readonly text: string;
  readonly steps: number;
}

/**
 * A chat template: a program in the template language Jinja that writes a conversation as a model's prompt.
 *
 * It renders as Jinja2 3.1 does with the settings of `transformers`, for which chat templates are written: blocks are
 * trimmed, values cannot be changed, and there are `raise_exception`, `strftime_now`, `{% generation %}`, `{% break %}`
 * and `{% continue %}`. Of Jinja's own it lacks `lipsum`, `urlize`, and what loads other templates.
 *
 * A template comes from strangers. Nothing of JavaScript is in its reach, and the work that it can cause is counted and
 * bounded, so that it can run in the process itself.
 */
export class ChatTemplate {
  readonly #template: Template;

  constructor(template: Template) {
    this.#template = template;
  }

  /** Names of the variables that the template reads. */
  get reads(): ReadonlySet<string> {
    return this.#template.reads;
  }

  /**
   * Renders the template.
   *
   * @throws TemplateRaisedError when the template refuses the conversation; TemplateRuntimeError when it cannot go on;
   * TemplateLimitError when it takes too much.
   */
  render(variables: TemplateVariables, options: RenderOptions = {}): Rendering {
    return withinStack(() => {
      const size: InputSize = { values: 0, characters: 0 };
      const values = [...entriesFromJson(variables, size)];
      const limits = { ...DEFAULT_LIMITS, ...options.limits };
      const budget = Budget.forVariables(limits, size.values, size.characters);
      const interpreter = new Interpreter(this.#template, values, { budget, now: options.now ?? new Date() });
      return { text: interpreter.run(), steps: budget.steps };
    });
  }
}

/**
 * Parses a chat template.
 *
 * @throws TemplateSyntaxError, TemplateLimitError
 */
export function compileTemplate(source: string): ChatTemplate {
  if (source.length > MAX_SOURCE_LENGTH) {
    throw new TemplateLimitError('sourceCharacters', `it has ${source.length} characters`);
  }
  return new ChatTemplate(withinStack(() => parseTemplate(source, KNOWN_NAMES)));
}

/** The stack may be half used already, so its end is a limit too. */
function withinStack<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) {
      throw new TemplateLimitError('depth', `the template needs more than the stack holds: ${error.message}`);
    }
    throw error;
  }
}

export type { RenderLimits } from './budget.ts';
export * from './errors.ts';
export { Float } from './values/float.ts';
export type { JsonInput } from './values/from-json.ts';
