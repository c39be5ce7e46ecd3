import * as jinja from '@huggingface/jinja';

/** The part of the interpreter that is used. Its own declarations import each other in a way that ES modules cannot. */
interface JinjaInterpreter {
  evaluate(statement: JinjaNode | undefined, environment: JinjaEnvironment): { readonly value: unknown };
  run(program: JinjaNode): { readonly value: unknown };
}
interface JinjaNode {
  readonly type: string;
}
interface JinjaEnvironment {
  set(name: string, value: unknown): unknown;
}

const { Interpreter, Environment, parse, tokenize } = jinja as {
  Interpreter: new (environment: JinjaEnvironment) => JinjaInterpreter;
  Environment: new () => JinjaEnvironment;
  tokenize(source: string, options: { lstrip_blocks: boolean; trim_blocks: boolean }): object[];
  parse(tokens: object[]): JinjaNode;
};

/**
 * Memory a template may make in all, as reckoned here, bytes: many times the largest conversation. A thread's own limit
 * is no use for this: an allocation that leaps over it ends the whole process, and the model with it.
 */
const BUDGET_BYTES = 256 * 1024 * 1024;

/** Rough bytes of a list's element and of an object's entry: each value of the interpreter is an object with a table. */
const ELEMENT_BYTES = 256;
const ENTRY_BYTES = 256;

/** Longest range: templates count messages with it. Each number is an object of the interpreter. */
const MAX_RANGE = 100_000;

/**
 * Renders a template with these values and the few functions templates call.
 *
 * @throws Error what the template or its interpreter says, or that it makes too much.
 */
export function renderTemplate(template: string, values: object): string {
  // Blocks are trimmed as in Hugging Face's `apply_chat_template`, for which templates are written.
  const program = parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true }));
  return String(new BoundedInterpreter(templateEnvironment(values)).run(program).value);
}

/** An interpreter that reckons up what every expression makes, and gives up when that is too much. */
class BoundedInterpreter extends Interpreter {
  #left = BUDGET_BYTES;

  override evaluate(statement: JinjaNode | undefined, environment: JinjaEnvironment): { readonly value: unknown } {
    const made = super.evaluate(statement, environment);
    // A name makes nothing new.
    if (statement?.type !== 'Identifier') this.#left -= bytesOf(made.value);
    if (this.#left < 0) throw new Error(`it makes more than ${BUDGET_BYTES / 1024 / 1024} MiB of text and lists`);
    return made;
  }
}

function templateEnvironment(values: object): JinjaEnvironment {
  const environment = new Environment();
  const globals = {
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    raise_exception: raise,
    range,
    strftime_now: strftime,
  };
  for (const [name, value] of Object.entries({ ...globals, ...values })) environment.set(name, value);
  return environment;
}

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (Array.isArray(value)) return value.length * ELEMENT_BYTES;
  return value instanceof Map ? value.size * ENTRY_BYTES : 0;
}

function raise(message: unknown): never {
  throw new Error(String(message));
}

/** Python's `range`. */
function range(first: number, second?: number, step = 1): number[] {
  const [start, end] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((end - start) / step));
  if (!(length <= MAX_RANGE)) throw new Error(`a range of at most ${MAX_RANGE} numbers was expected`);
  return Array.from({ length }, (_, index) => start + index * step);
}

/** The time now in the directives templates use (Llama 3's `%d %b %Y`); others stay as they are. */
function strftime(format: unknown): string {
  const now = new Date();
  const part = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat('en-US', options).format(now);
  const two = (number: number) => String(number).padStart(2, '0');
  const directives: Readonly<Record<string, string>> = {
    Y: String(now.getFullYear()),
    m: two(now.getMonth() + 1),
    d: two(now.getDate()),
    H: two(now.getHours()),
    M: two(now.getMinutes()),
    S: two(now.getSeconds()),
    b: part({ month: 'short' }),
    B: part({ month: 'long' }),
    a: part({ weekday: 'short' }),
    A: part({ weekday: 'long' }),
    '%': '%',
  };
  return String(format).replace(/%([A-Za-z%])/g, (found, letter: string) => directives[letter] ?? found);
}
