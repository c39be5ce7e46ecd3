import { Budget, DEFAULT_LIMITS, type RenderLimits } from './budget.ts';
import { TemplateLimitError } from './errors.ts';
import { Interpreter } from './evaluate/interpreter.ts';
import { FILTERS } from './filters/filters.ts';
import type { Template } from './syntax/ast.ts';
import { parseTemplate } from './syntax/statement-parser.ts';
import { TESTS } from './tests.ts';
import { entriesFromJson, type InputSize, type JsonInput } from './values/from-json.ts';

/** Maximum length of a template, in UTF-16 code units. The longest published ones have about 25,000. */
const MAX_SOURCE_LENGTH = 256 * 1024;

const KNOWN_NAMES = { filters: new Set(FILTERS.keys()), tests: new Set(TESTS.keys()) };

/** The variables of a template, by name. */
export type TemplateVariables = { readonly [name: string]: JsonInput };

/** Options of one rendering. */
export interface RenderOptions {
  /** The time that `strftime_now` returns. @default now */
  readonly now?: Date | undefined;
  readonly limits?: Partial<RenderLimits> | undefined;
}

/** The result of a rendering, and the number of steps it took. */
export interface Rendering {
  readonly text: string;
  readonly steps: number;
}

/**
 * A chat template: a Jinja template that formats a conversation as a model's prompt.
 *
 * Renders like Jinja2 3.1 with the settings of `transformers`, for which chat templates are written: `trim_blocks`,
 * `lstrip_blocks`, the immutable sandbox, `raise_exception`, `strftime_now`, `{% generation %}`, `{% break %}` and
 * `{% continue %}`. Not supported: `lipsum`, `urlize`, and the tags that load other templates.
 *
 * Templates are untrusted. They cannot reach JavaScript objects, and their work is counted and limited, so they run in
 * the host's process.
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
   * @throws TemplateRaisedError if the template rejects the conversation; TemplateRuntimeError if evaluation fails;
   * TemplateLimitError if it exceeds a limit.
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
    throw new TemplateLimitError('sourceCharacters', `the template has ${source.length} characters`);
  }
  return new ChatTemplate(withinStack(() => parseTemplate(source, KNOWN_NAMES)));
}

/** Reports a stack overflow as an exceeded limit: the caller may already have used part of the stack. */
function withinStack<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) {
      throw new TemplateLimitError('depth', `the template needs more stack than is available: ${error.message}`);
    }
    throw error;
  }
}

export type { RenderLimits } from './budget.ts';
export * from './errors.ts';
export { Float } from './values/float.ts';
export type { JsonInput } from './values/from-json.ts';
