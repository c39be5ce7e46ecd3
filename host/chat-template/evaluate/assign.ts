import { TemplateRuntimeError } from '../errors.ts';
import type { Target } from '../syntax/ast.ts';
import { Namespace } from '../values/namespace.ts';
import { toArray } from '../values/truth.ts';
import type { Runtime, Value } from '../values/value.ts';
import type { Scope } from './scope.ts';

/** Assigns a value to a name or to an attribute of a namespace, or unpacks its elements into a tuple of targets. */
export function assign(runtime: Runtime, target: Target, value: Value, scope: Scope): void {
  if (target.kind === 'name') scope.set(target.name, value);
  else if (target.kind === 'namespace') namespaceOf(target.name, scope).set(target.attribute, value);
  else {
    const values = toArray(runtime, value);
    const expected = target.items.length;
    if (values.length !== expected) {
      const problem = values.length > expected ? 'too many' : 'not enough';
      throw new TemplateRuntimeError('ValueError', `${problem} values to unpack (expected ${expected})`);
    }
    for (const [index, item] of target.items.entries()) assign(runtime, item, values[index] ?? null, scope);
  }
}

/** Throws if a target is an attribute of a non-namespace object. Called before the value is evaluated, as in Jinja. */
export function assertNamespaces(target: Target, scope: Scope): void {
  if (target.kind === 'namespace') namespaceOf(target.name, scope);
  else if (target.kind === 'tuple') for (const item of target.items) assertNamespaces(item, scope);
}

function namespaceOf(name: string, scope: Scope): Namespace {
  const value = scope.get(name);
  if (value instanceof Namespace) return value;
  throw new TemplateRuntimeError('TemplateRuntimeError', 'cannot assign attribute on non-namespace object');
}
