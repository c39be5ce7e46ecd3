import type { Budget } from '../budget.ts';
import type { CallArguments } from './call-arguments.ts';
import type { Callable } from './callable.ts';

/** An integer: a number if that is exact, else a bigint. */
export type Integer = number | bigint;

/**
 * A value of a template. JavaScript's `undefined` is not a value: functions return it if there is no result. Jinja's
 * undefined value is an object, {@link Undefined}.
 */
export type Value = null | boolean | Integer | string | TemplateObject;

/** The interface of the interpreter for functions, filters and tests. */
export interface Runtime {
  readonly budget: Budget;
  /** The time that `strftime_now` returns. */
  readonly now: Date;
  /** Whether output is escaped for HTML, as in `{% autoescape true %}`. */
  readonly autoescape: boolean;
  call(callee: Value, args: CallArguments): Value;
  /** Evaluates `object.name`. */
  getAttribute(object: Value, name: string): Value;
  /** Evaluates `object[key]`. */
  getItem(object: Value, key: Value): Value;
  filter(name: string): FilterFunction | undefined;
  test(name: string): TestFunction | undefined;
}

export type FilterFunction = (runtime: Runtime, input: Value, args: CallArguments) => Value;
export type TestFunction = (runtime: Runtime, input: Value, args: CallArguments) => boolean;

/** Returns the value, or the result of `otherwise` if it is undefined. `??` would also replace null, Jinja's `none`. */
export function orElse<T extends Value | undefined>(value: Value | undefined, otherwise: () => T): Value | T {
  return value === undefined ? otherwise() : value;
}

/** Base of the values that are objects. Subclasses override the operations that their type supports. */
export abstract class TemplateObject {
  /** Name of the type in Python, for error messages. */
  abstract readonly typeName: string;

  /** Whether the value is true in a condition. */
  get isTrue(): boolean {
    return this.size === undefined || this.size > 0;
  }

  /** Number of elements; undefined if the type has no length. */
  get size(): number | undefined {
    return undefined;
  }

  /**
   * Returns an iterator over the elements; undefined if the type is not iterable. A one-shot iterator returns itself.
   */
  iterate(): Iterator<Value> | undefined {
    return undefined;
  }

  /** Returns the element `object[key]`; undefined if it does not exist. */
  item(_runtime: Runtime, _key: Value): Value | undefined {
    return undefined;
  }

  /** Returns the attribute `object.name`; undefined if it does not exist. Attributes take precedence over elements. */
  attribute(_runtime: Runtime, _name: string): Value | undefined {
    return undefined;
  }

  /** Returns the result of Python's `repr`. */
  abstract represent(runtime: Runtime): string;

  /** The function to call when the value is called; undefined if it is not callable. */
  get callable(): Callable | undefined {
    return undefined;
  }
}
