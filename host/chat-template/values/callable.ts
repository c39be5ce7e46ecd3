import type { CallArguments } from './call-arguments.ts';
import { type Runtime, TemplateObject, type Value } from './value.ts';

/** A function that a template can call: a global, or a method of a value. */
export class Callable extends TemplateObject {
  readonly typeName: string;
  readonly name: string;
  readonly invoke: (runtime: Runtime, args: CallArguments) => Value;

  /** @param typeName Name of the type in Python: `type` for `dict` and `range`. */
  constructor(name: string, invoke: (runtime: Runtime, args: CallArguments) => Value, typeName = 'function') {
    super();
    this.name = name;
    this.invoke = invoke;
    this.typeName = typeName;
  }

  override get callable(): Callable {
    return this;
  }

  override represent(): string {
    return this.typeName === 'type' ? `<class '${this.name}'>` : `<${this.typeName} ${this.name}>`;
  }
}
