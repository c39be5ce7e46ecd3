/** Names of the Python and Jinja exceptions that rendering a template can raise. */
export type PythonErrorType =
  | 'AssertionError'
  | 'AttributeError'
  | 'FilterArgumentError'
  | 'IndexError'
  | 'KeyError'
  | 'OverflowError'
  | 'SecurityError'
  | 'TemplateRuntimeError'
  | 'TypeError'
  | 'UndefinedError'
  | 'ValueError'
  | 'ZeroDivisionError';

/** Base of every error that compiling or rendering a template throws. */
export abstract class ChatTemplateError extends Error {}

/** The source is not a valid template. Thrown by `compileTemplate`. */
export class TemplateSyntaxError extends ChatTemplateError {
  override readonly name = 'TemplateSyntaxError';

  /** Line of the source, from 1. */
  readonly line: number;

  constructor(message: string, line: number) {
    super(`${message} (line ${line})`);
    this.line = line;
  }
}

/** An operation failed, such as reading an attribute of an undefined value. */
export class TemplateRuntimeError extends ChatTemplateError {
  override readonly name = 'TemplateRuntimeError';

  /** Type of the exception that the reference implementation raises here. */
  readonly type: PythonErrorType;

  constructor(type: PythonErrorType, message: string) {
    super(message);
    this.type = type;
  }
}

/** The template rejected the conversation with `raise_exception(message)`. */
export class TemplateRaisedError extends ChatTemplateError {
  override readonly name = 'TemplateRaisedError';
}

/** Name of a limit. */
export type LimitName = 'sourceCharacters' | 'nesting' | 'steps' | 'characters' | 'depth' | 'integerBits';

/** The template exceeded a limit on its size, time, memory or stack. */
export class TemplateLimitError extends ChatTemplateError {
  override readonly name = 'TemplateLimitError';

  readonly limit: LimitName;

  constructor(limit: LimitName, message: string) {
    super(message);
    this.limit = limit;
  }
}
