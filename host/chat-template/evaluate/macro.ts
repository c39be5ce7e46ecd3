import { TemplateRuntimeError } from '../errors.ts';
import type { MacroDefinition } from '../syntax/ast.ts';
import type { CallArguments } from '../values/call-arguments.ts';
import { Callable } from '../values/callable.ts';
import { Dict } from '../values/dict.ts';
import { Tuple } from '../values/sequences.ts';
import { Undefined } from '../values/undefined.ts';
import { orElse, type Runtime, type Value } from '../values/value.ts';
import { Scope } from './scope.ts';

/** Evaluates the default values and the body of a macro in the macro's scope. */
export interface MacroEvaluator {
  /** Evaluates a parameter's default value, which may use the parameters before it. Undefined if it has none. */
  fallback(definition: MacroDefinition, index: number, scope: Scope): Value | undefined;
  render(definition: MacroDefinition, scope: Scope): Value;
}

/** A macro, or the body that a call block passes to one as `caller`. */
export class Macro extends Callable {
  readonly #definition: MacroDefinition;

  constructor(definition: MacroDefinition, outer: Scope, evaluator: MacroEvaluator) {
    const invoke = (_: Runtime, args: CallArguments) =>
      evaluator.render(definition, bindArguments(definition, args, outer, evaluator));
    super(definition.name ?? 'caller', invoke, 'Macro');
    this.#definition = definition;
  }

  override attribute(_runtime: Runtime, name: string): Value | undefined {
    const { parameters, reads } = this.#definition;
    switch (name) {
      case 'name':
        return this.#definition.name ?? null;
      case 'arguments':
        return new Tuple(parameters.map((parameter) => parameter.name));
      case 'catch_kwargs':
        return reads.kwargs;
      case 'catch_varargs':
        return reads.varargs;
      case 'caller':
        return reads.caller;
      default:
        return undefined;
    }
  }

  override represent(): string {
    const { name } = this.#definition;
    return `<Macro ${name === undefined ? 'anonymous' : `'${name}'`}>`;
  }
}

function bindArguments(
  definition: MacroDefinition,
  args: CallArguments,
  outer: Scope,
  evaluator: MacroEvaluator,
): Scope {
  const { parameters, reads, name } = definition;
  const scope = new Scope(outer);
  const named = new Map(args.named);
  const given = parameters.map((parameter, index) => {
    const value = orElse(args.positional[index], () => named.get(parameter.name));
    if (index >= args.positional.length) named.delete(parameter.name);
    return value;
  });
  if (reads.caller) {
    const caller = named.get('caller') ?? null;
    scope.set('caller', caller === null ? new Undefined('No caller defined') : caller);
    named.delete('caller');
  }
  const [unknown] = named.keys();
  if (!reads.kwargs && unknown !== undefined) {
    throw new TemplateRuntimeError('TypeError', `macro '${name}' takes no keyword argument '${unknown}'`);
  }
  const extra = args.positional.slice(parameters.length);
  if (!reads.varargs && extra.length > 0) {
    throw new TemplateRuntimeError('TypeError', `macro '${name}' takes not more than ${parameters.length} argument(s)`);
  }
  if (reads.kwargs) scope.set('kwargs', Dict.ofTexts(named));
  if (reads.varargs) scope.set('varargs', new Tuple(extra));
  // A parameter shadows an outer variable of the same name even before its default value is evaluated.
  for (const [index, parameter] of parameters.entries()) {
    const missing = () => new Undefined(`parameter '${parameter.name}' was not provided`);
    scope.set(parameter.name, orElse(given[index], missing));
  }
  for (const [index, parameter] of parameters.entries()) {
    if (given[index] !== undefined) continue;
    const value = evaluator.fallback(definition, index, scope);
    if (value !== undefined) scope.set(parameter.name, value);
  }
  return scope;
}
