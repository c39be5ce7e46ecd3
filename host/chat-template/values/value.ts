import type { Budget } from '../budget.ts';
import type { CallArguments } from './call-arguments.ts';
import type { Callable } from './callable.ts';

/** An integer: a number where that is exact, else a bigint. */
export type Integer = number | bigint;

/**
 * A value of a template. JavaScript's `undefined` is never one: functions return it for "there is none", and the
 * template's own undefined value is an object.
 */
export type Value = null | boolean | Integer | string | TemplateObject;

/** What functions, filters and tests of a template can use. */
export interface Runtime {
  readonly budget: Budget;
  /** The time that `strftime_now` returns. */
  readonly now: Date;
  /** Whether text is escaped for HTML, inside `{% autoescape true %}`. */
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

/** Returns the value, or another one if it is undefined. `??` would also replace the template's null. */
export function orElse<T extends Value | undefined>(value: Value | undefined, otherwise: () => T): Value | T {
  return value === undefined ? otherwise() : value;
}

/** A value that is not one of JavaScript's own. Subclasses override what their type can do. */
export abstract class TemplateObject {
  /** Name of the type in Python, for error messages. */
  abstract readonly typeName: string;

  /** Whether a condition takes it as true. */
  get isTrue(): boolean {
    return this.size === undefined || this.size > 0;
  }

  /** Number of elements, where the type has one. */
  get size(): number | undefined {
    return undefined;
  }

  /** Elements in order, where the type has any. One-shot iterators return themselves. */
  iterate(): Iterator<Value> | undefined {
    return undefined;
  }

  /** The element that `object[key]` gives; undefined if there is none. */
  item(_runtime: Runtime, _key: Value): Value | undefined {
    return undefined;
  }

  /** The attribute that `object.name` returns before elements are searched; undefined if there is none. */
  attribute(_runtime: Runtime, _name: string): Value | undefined {
    return undefined;
  }

  /** Python's `repr`. */
  abstract represent(runtime: Runtime): string;

  /** The function that a call of the value calls. */
  get callable(): Callable | undefined {
    return undefined;
  }
}
