import { OBJECT_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import { represent } from '../text/represent.ts';
import { toIndex } from './integers.ts';
import { type Runtime, TemplateObject, type Value } from './value.ts';

/** Base of lists and tuples. Both are immutable, as in Jinja's immutable sandbox. */
export abstract class Sequence extends TemplateObject {
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    super();
    this.items = items;
  }

  override get size(): number {
    return this.items.length;
  }

  override iterate(): Iterator<Value> {
    return this.items.values();
  }

  override item(_runtime: Runtime, key: Value): Value | undefined {
    const index = toIndex(key);
    return index === undefined ? undefined : this.items.at(index);
  }
}

export class List extends Sequence {
  readonly typeName = 'list';

  override represent(runtime: Runtime): string {
    return `[${representAll(runtime, this.items)}]`;
  }
}

export class Tuple extends Sequence {
  readonly typeName: string = 'tuple';

  override represent(runtime: Runtime): string {
    return `(${representAll(runtime, this.items)}${this.items.length === 1 ? ',' : ''})`;
  }
}

/** A group of `groupby`: a named tuple of `grouper` and `list`. */
export class GroupTuple extends Tuple {
  override readonly typeName = '_GroupTuple';

  override attribute(_runtime: Runtime, name: string): Value | undefined {
    if (name === 'grouper') return this.items[0];
    return name === 'list' ? this.items[1] : undefined;
  }
}

function representAll(runtime: Runtime, items: readonly Value[]): string {
  return items.map((item) => represent(runtime, item)).join(', ');
}

/** Python's `range`, which computes its elements. */
export class Range extends TemplateObject {
  readonly typeName = 'range';
  readonly start: number;
  readonly step: number;
  readonly #stop: number;

  constructor(start: number, stop: number, step: number) {
    super();
    if (step === 0) throw new TemplateRuntimeError('ValueError', 'range() arg 3 must not be zero');
    this.start = start;
    this.step = step;
    this.#stop = stop;
  }

  override get size(): number {
    return Math.max(0, Math.ceil((this.#stop - this.start) / this.step));
  }

  override *iterate(): Generator<Value> {
    for (let index = 0; index < this.size; index++) yield this.start + index * this.step;
  }

  override item(_runtime: Runtime, key: Value): Value | undefined {
    const index = toIndex(key);
    if (index === undefined) return undefined;
    const position = index < 0 ? index + this.size : index;
    return position >= 0 && position < this.size ? this.start + position * this.step : undefined;
  }

  has(value: number): boolean {
    return this.indexOf(value) !== undefined;
  }

  /** Returns the index of a number; undefined if the range does not contain it. */
  indexOf(value: number): number | undefined {
    const index = (value - this.start) / this.step;
    return Number.isInteger(index) && index >= 0 && index < this.size ? index : undefined;
  }

  override attribute(_runtime: Runtime, name: string): Value | undefined {
    if (name === 'start' || name === 'step') return this[name];
    return name === 'stop' ? this.#stop : undefined;
  }

  override represent(): string {
    return `range(${this.start}, ${this.#stop}${this.step === 1 ? '' : `, ${this.step}`})`;
  }
}

/** A lazy sequence that can be iterated over once, such as the result of `map`. */
export class OneShot extends TemplateObject {
  readonly typeName: string;
  readonly #iterator: Iterator<Value>;

  constructor(runtime: Runtime, iterator: Iterator<Value>, typeName = 'generator') {
    super();
    // A generator keeps the variables of its function alive.
    runtime.budget.charge(OBJECT_COST * 6);
    this.#iterator = iterator;
    this.typeName = typeName;
  }

  override iterate(): Iterator<Value> {
    return this.#iterator;
  }

  override represent(): string {
    return `<${this.typeName} object>`;
  }
}
