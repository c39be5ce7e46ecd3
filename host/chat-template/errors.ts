/** Python's and Jinja's names for what can go wrong while a template runs. */
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

/** The source is no template: thrown by `compileTemplate`. */
export class TemplateSyntaxError extends ChatTemplateError {
  override readonly name = 'TemplateSyntaxError';

  /** Line of the source, from 1. */
  readonly line: number;

  constructor(message: string, line: number) {
    super(`${message} (line ${line})`);
    this.line = line;
  }
}

/** The template does something its values do not allow, such as taking an attribute of an undefined value. */
export class TemplateRuntimeError extends ChatTemplateError {
  override readonly name = 'TemplateRuntimeError';

  /** Error type that the reference implementation raises in this place. */
  readonly type: PythonErrorType;

  constructor(type: PythonErrorType, message: string) {
    super(message);
    this.type = type;
  }
}

/** The template itself refuses the conversation with `raise_exception(message)`. */
export class TemplateRaisedError extends ChatTemplateError {
  override readonly name = 'TemplateRaisedError';
}

/** What a limit counts. */
export type LimitName = 'sourceCharacters' | 'nesting' | 'steps' | 'characters' | 'depth' | 'integerBits';

/** The template needs more time, memory or stack than a template is given. */
export class TemplateLimitError extends ChatTemplateError {
  override readonly name = 'TemplateLimitError';

  readonly limit: LimitName;

  constructor(limit: LimitName, message: string) {
    super(message);
    this.limit = limit;
  }
}
