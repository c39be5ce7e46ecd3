import { type PythonErrorType, TemplateRuntimeError } from '../errors.ts';
import { TemplateObject, type Value } from './value.ts';

/**
 * The value of a name, attribute or element that does not exist, like Jinja's `Undefined`. It is false and prints as an
 * empty string. Reading an attribute or element of it throws an error that names what is undefined.
 */
export class Undefined extends TemplateObject {
  readonly typeName = 'Undefined';
  readonly #message: () => string;
  readonly #errorType: PythonErrorType;

  constructor(message: string | (() => string), errorType: PythonErrorType = 'UndefinedError') {
    super();
    this.#message = typeof message === 'string' ? () => message : message;
    this.#errorType = errorType;
  }

  /** The error to throw when the value is used. */
  get error(): TemplateRuntimeError {
    return new TemplateRuntimeError(this.#errorType, this.#message());
  }

  override get size(): number {
    return 0;
  }

  override iterate(): Iterator<Value> {
    const none: Value[] = [];
    return none.values();
  }

  override represent(): string {
    return 'Undefined';
  }
}

/** Returns the value, or throws its error if it is undefined. */
export function defined<T extends Value>(value: T): Exclude<T, Undefined> {
  if (value instanceof Undefined) throw value.error;
  return value as Exclude<T, Undefined>;
}
