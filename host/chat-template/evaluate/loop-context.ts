import { TemplateRuntimeError } from '../errors.ts';
import type { CallArguments } from '../values/call-arguments.ts';
import { Callable } from '../values/callable.ts';
import { equals } from '../values/compare.ts';
import { Tuple } from '../values/sequences.ts';
import { iterate, sizeOf } from '../values/truth.ts';
import { Undefined } from '../values/undefined.ts';
import { orElse, type Runtime, TemplateObject, type Value } from '../values/value.ts';

/** The `loop` variable of `{% for %}`. Iterates over the elements and describes the current one. */
export class LoopContext extends TemplateObject {
  readonly typeName = 'LoopContext';
  readonly #runtime: Runtime;
  readonly #iterable: Value;
  #iterator: Iterator<Value>;
  readonly #depth0: number;
  readonly #recurse: Callable | undefined;
  #index0 = -1;
  #length: number | undefined;
  /** The next element, if it was read ahead. */
  #after: IteratorResult<Value> | undefined;
  #current: Value | undefined;
  #before: Value | undefined;
  #lastChanged: Tuple | undefined;

  /** @param recurse Renders a `recursive` loop for other elements. */
  constructor(runtime: Runtime, iterable: Value, recurse: Callable | undefined, depth0: number) {
    super();
    this.#runtime = runtime;
    this.#iterable = iterable;
    this.#iterator = iterate(runtime, iterable);
    this.#recurse = recurse;
    this.#depth0 = depth0;
  }

  /** Advances to the next element and returns it; undefined at the end. */
  next(): Value | undefined {
    const result = this.#after ?? this.#iterator.next();
    this.#after = undefined;
    if (result.done === true) return undefined;
    this.#index0 += 1;
    this.#before = this.#current;
    this.#current = result.value;
    return result.value;
  }

  override get size(): number {
    this.#length ??= this.#count();
    return this.#length;
  }

  override attribute(_runtime: Runtime, name: string): Value | undefined {
    switch (name) {
      case 'index':
        return this.#index0 + 1;
      case 'index0':
        return this.#index0;
      case 'revindex':
        return this.size - this.#index0;
      case 'revindex0':
        return this.size - this.#index0 - 1;
      case 'first':
        return this.#index0 === 0;
      case 'last':
        return this.#peek().done === true;
      case 'length':
        return this.size;
      case 'depth':
        return this.#depth0 + 1;
      case 'depth0':
        return this.#depth0;
      case 'previtem':
        return orElse(this.#index0 === 0 ? undefined : this.#before, () => new Undefined('there is no previous item'));
      case 'nextitem': {
        const next = this.#peek();
        return next.done === true ? new Undefined('there is no next item') : next.value;
      }
      case 'cycle':
        return new Callable(name, (_, args) => this.#cycle(args));
      case 'changed':
        return new Callable(name, (runtime, args) => this.#changed(runtime, args));
      default:
        return undefined;
    }
  }

  override get callable(): Callable {
    return (
      this.#recurse ??
      new Callable('loop', () => {
        throw new TemplateRuntimeError(
          'TypeError',
          "The loop must have the 'recursive' marker to be called recursively.",
        );
      })
    );
  }

  override represent(): string {
    return `<LoopContext ${this.#index0 + 1}/${this.size}>`;
  }

  #peek(): IteratorResult<Value> {
    this.#after ??= this.#iterator.next();
    return this.#after;
  }

  /** Returns the number of elements. A generator has no length, so its remaining elements are collected. */
  #count(): number {
    const known = sizeOf(this.#runtime, this.#iterable);
    if (known !== undefined) return known;
    const rest: Value[] = [];
    for (let next = this.#iterator.next(); next.done !== true; next = this.#iterator.next()) {
      this.#runtime.budget.step();
      this.#runtime.budget.chargeElements(1);
      rest.push(next.value);
    }
    this.#iterator = rest.values();
    return rest.length + this.#index0 + 1 + (this.#after === undefined || this.#after.done === true ? 0 : 1);
  }

  #cycle(args: CallArguments): Value {
    const { positional } = args;
    const item = positional[this.#index0 % positional.length];
    if (item !== undefined) return item;
    throw new TemplateRuntimeError('TypeError', 'no items for cycling given');
  }

  #changed(runtime: Runtime, args: CallArguments): boolean {
    const value = new Tuple(args.positional);
    if (this.#lastChanged !== undefined && equals(runtime, this.#lastChanged, value)) return false;
    this.#lastChanged = value;
    return true;
  }
}
