import { TemplateRuntimeError } from '../errors.ts';
import type { Value } from './value.ts';

const NONE: ReadonlyMap<string, Value> = new Map();

/** The arguments of one call. */
export class CallArguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;

  constructor(positional: readonly Value[] = [], named: ReadonlyMap<string, Value> = NONE) {
    this.positional = positional;
    this.named = named;
  }

  /**
   * Binds the arguments to parameters by position and by name. Parameters without an argument are undefined.
   *
   * @param required Number of required parameters, which come first.
   * @throws TemplateRuntimeError for missing, duplicate and unexpected arguments.
   */
  bind(callee: string, parameters: readonly string[], required = 0): (Value | undefined)[] {
    if (this.positional.length > parameters.length) {
      throw this.#error(`${callee}() takes at most ${parameters.length} arguments (${this.positional.length} given)`);
    }
    const bound: (Value | undefined)[] = parameters.map((_, index) => this.positional[index]);
    for (const [name, value] of this.named) {
      const index = parameters.indexOf(name);
      if (index === -1) throw this.#error(`${callee}() got an unexpected keyword argument '${name}'`);
      if (bound[index] !== undefined) throw this.#error(`${callee}() got multiple values for argument '${name}'`);
      bound[index] = value;
    }
    const missing = parameters.findIndex((_, index) => index < required && bound[index] === undefined);
    if (missing !== -1) throw this.#error(`${callee}() missing 1 required argument: '${parameters[missing]}'`);
    return bound;
  }

  /** Returns the arguments without the first `count` positional ones. */
  skip(count: number): CallArguments {
    return new CallArguments(this.positional.slice(count), this.named);
  }

  #error(message: string): TemplateRuntimeError {
    return new TemplateRuntimeError('TypeError', message);
  }
}
