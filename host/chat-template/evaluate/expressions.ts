import { OBJECT_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import type { ArgumentList, Comparison, Expression, SliceExpression } from '../syntax/ast.ts';
import { binary, concatText, sign } from '../values/arithmetic.ts';
import { CallArguments } from '../values/call-arguments.ts';
import { contains, equals, isOrdered } from '../values/compare.ts';
import { ENTRY_COST } from '../values/container-methods.ts';
import { Dict } from '../values/dict.ts';
import { getAttribute, getItem, getSlice } from '../values/lookup.ts';
import { List, Tuple } from '../values/sequences.ts';
import { isTrue, toArray, typeName } from '../values/truth.ts';
import { Undefined } from '../values/undefined.ts';
import { orElse, type Runtime, type Value } from '../values/value.ts';
import type { Scope } from './scope.ts';

/** Evaluates an expression. @throws ChatTemplateError */
export function evaluate(runtime: Runtime, expression: Expression, scope: Scope): Value {
  const { budget } = runtime;
  budget.step();
  switch (expression.kind) {
    case 'constant':
      return expression.value;
    case 'name': {
      const { name } = expression;
      return orElse(scope.get(name), () => new Undefined(() => `'${name}' is undefined`));
    }
    default:
  }
  budget.enter();
  const value = evaluateCompound(runtime, expression, scope);
  budget.leave();
  return value;
}

type Compound = Exclude<Expression, { kind: 'constant' | 'name' }>;

function evaluateCompound(runtime: Runtime, expression: Compound, scope: Scope): Value {
  const { budget } = runtime;
  switch (expression.kind) {
    case 'attribute':
      return getAttribute(runtime, evaluate(runtime, expression.object, scope), expression.name);
    case 'item': {
      const object = evaluate(runtime, expression.object, scope);
      return getItem(runtime, object, evaluate(runtime, expression.key, scope));
    }
    case 'slice':
      return evaluateSlice(runtime, expression, scope);
    case 'call': {
      const callee = evaluate(runtime, expression.callee, scope);
      return runtime.call(callee, evaluateArguments(runtime, expression.arguments, scope));
    }
    case 'filter':
      if (expression.input === undefined) throw new TypeError('The statement evaluates the filter of its block.');
      return applyFilter(runtime, expression, evaluate(runtime, expression.input, scope), scope);
    case 'test': {
      const test = runtime.test(expression.name);
      const input = evaluate(runtime, expression.input, scope);
      const args = evaluateArguments(runtime, expression.arguments, scope);
      if (test === undefined) throw unknownName('test', expression.name);
      return test(runtime, input, args);
    }
    case 'unary': {
      const operand = evaluate(runtime, expression.operand, scope);
      return expression.operator === 'not' ? !isTrue(operand) : sign(expression.operator, operand);
    }
    case 'binary': {
      const left = evaluate(runtime, expression.left, scope);
      return binary(runtime, expression.operator, left, evaluate(runtime, expression.right, scope));
    }
    case 'concat':
      return concatText(runtime, evaluateAll(runtime, expression.parts, scope));
    case 'compare':
      return evaluateComparison(runtime, evaluate(runtime, expression.first, scope), expression.rest, scope);
    case 'and': {
      const left = evaluate(runtime, expression.left, scope);
      return isTrue(left) ? evaluate(runtime, expression.right, scope) : left;
    }
    case 'or': {
      const left = evaluate(runtime, expression.left, scope);
      return isTrue(left) ? left : evaluate(runtime, expression.right, scope);
    }
    case 'conditional':
      if (isTrue(evaluate(runtime, expression.test, scope))) return evaluate(runtime, expression.then, scope);
      if (expression.otherwise !== undefined) return evaluate(runtime, expression.otherwise, scope);
      return new Undefined('the inline if-expression evaluated to false and no else section was defined.');
    case 'list':
      budget.charge(OBJECT_COST);
      return new List(evaluateAll(runtime, expression.items, scope));
    case 'tuple':
      budget.charge(OBJECT_COST);
      return new Tuple(evaluateAll(runtime, expression.items, scope));
    case 'dict':
      return evaluateDict(runtime, expression.entries, scope);
  }
}

/** Applies a filter to a value. */
export function applyFilter(
  runtime: Runtime,
  filter: { readonly name: string; readonly arguments: ArgumentList },
  input: Value,
  scope: Scope,
): Value {
  const args = evaluateArguments(runtime, filter.arguments, scope);
  const apply = runtime.filter(filter.name);
  if (apply === undefined) throw unknownName('filter', filter.name);
  return apply(runtime, input, args);
}

/** Evaluates the arguments of a call. */
export function evaluateArguments(runtime: Runtime, list: ArgumentList, scope: Scope): CallArguments {
  const positional = evaluateAll(runtime, list.positional, scope);
  if (list.spread !== undefined) {
    for (const item of toArray(runtime, evaluate(runtime, list.spread, scope))) positional.push(item);
  }
  if (list.named.length === 0 && list.spreadNamed === undefined) return new CallArguments(positional);
  const named = new Map<string, Value>();
  for (const [name, value] of list.named) named.set(name, evaluate(runtime, value, scope));
  if (list.spreadNamed !== undefined) spreadInto(runtime, named, evaluate(runtime, list.spreadNamed, scope));
  return new CallArguments(positional, named);
}

function spreadInto(runtime: Runtime, named: Map<string, Value>, mapping: Value): void {
  if (!(mapping instanceof Dict)) {
    throw new TemplateRuntimeError('TypeError', `argument after ** must be a mapping, not ${typeName(mapping)}`);
  }
  for (const [key, value] of mapping.entries()) {
    runtime.budget.charge(ENTRY_COST);
    if (typeof key !== 'string') throw new TemplateRuntimeError('TypeError', 'keywords must be strings');
    if (named.has(key)) {
      throw new TemplateRuntimeError('TypeError', `got multiple values for keyword argument '${key}'`);
    }
    named.set(key, value);
  }
}

function evaluateAll(runtime: Runtime, expressions: readonly Expression[], scope: Scope): Value[] {
  const values: Value[] = [];
  for (const expression of expressions) {
    runtime.budget.chargeElements(1);
    values.push(evaluate(runtime, expression, scope));
  }
  return values;
}

function evaluateSlice(runtime: Runtime, slice: SliceExpression, scope: Scope): Value {
  const object = evaluate(runtime, slice.object, scope);
  const part = (expression: Expression | undefined) =>
    expression === undefined ? null : evaluate(runtime, expression, scope);
  return getSlice(runtime, object, { start: part(slice.start), stop: part(slice.stop), step: part(slice.step) });
}

function evaluateDict(runtime: Runtime, entries: readonly (readonly [Expression, Expression])[], scope: Scope): Value {
  const dict = new Dict();
  runtime.budget.charge(OBJECT_COST);
  for (const [key, value] of entries) {
    runtime.budget.charge(ENTRY_COST);
    dict.set(runtime, evaluate(runtime, key, scope), evaluate(runtime, value, scope));
  }
  return dict;
}

/** Evaluates a comparison chain such as `a < b < c`, and stops at the first comparison that is false. */
function evaluateComparison(runtime: Runtime, first: Value, rest: readonly Comparison[], scope: Scope): boolean {
  let left = first;
  for (const { operator, operand } of rest) {
    const right = evaluate(runtime, operand, scope);
    if (!compare(runtime, operator, left, right)) return false;
    left = right;
  }
  return true;
}

function compare(runtime: Runtime, operator: Comparison['operator'], left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return equals(runtime, left, right);
    case '!=':
      return !equals(runtime, left, right);
    case 'in':
      return contains(runtime, right, left);
    case 'not in':
      return !contains(runtime, right, left);
    default:
      return isOrdered(runtime, operator, left, right);
  }
}

function unknownName(kind: 'filter' | 'test', name: string): TemplateRuntimeError {
  return new TemplateRuntimeError('TemplateRuntimeError', `No ${kind} named '${name}' found.`);
}
