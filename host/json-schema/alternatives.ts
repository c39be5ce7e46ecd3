import { isJsonObject, type JsonObject, type JsonValue } from '../common/json.ts';
import { excludes } from './excludes.ts';
import { isAnnotation, isEnforced } from './keywords.ts';
import type { Located, Part } from './part.ts';
import { SchemaError } from './schema-error.ts';

/** Maximum number of combinations of alternatives for one value. */
const MAX_ALTERNATIVES = 256;

/** Maximum nesting of references and combinations for one value. */
const MAX_DEPTH = 64;

/** Resolves `$ref`, `allOf`, `anyOf` and `oneOf`. */
export class Alternatives {
  readonly #root: Located;
  readonly #unenforced: (path: string, expected: string) => void;

  /** @param unenforced Called with each keyword that cannot be enforced; may throw. */
  constructor(root: Located, unenforced: (path: string, expected: string) => void) {
    this.#root = root;
    this.#unenforced = unenforced;
  }

  /**
   * Returns the alternatives for a value that satisfies all schemas. The value must satisfy all parts of one
   * alternative.
   *
   * @throws SchemaError
   */
  of(schemas: readonly Located[]): Part[][] {
    // Duplicate parts are redundant, and their number would double with every level of a recursive schema.
    return this.#all(schemas, new Set(), 0).map((parts) => [
      ...new Map(parts.map((part) => [part.path, part])).values(),
    ]);
  }

  #all(schemas: readonly Located[], seen: ReadonlySet<JsonValue>, depth: number): Part[][] {
    let product: Part[][] = [[]];
    for (const schema of schemas) product = combined(product, this.#one(schema, seen, depth), schema.path);
    return product;
  }

  #one({ schema, path }: Located, seen: ReadonlySet<JsonValue>, depth: number): Part[][] {
    if (schema === true) return [[]];
    if (schema === false) return [];
    if (!isJsonObject(schema)) throw new SchemaError(path, 'a schema: an object or a boolean');
    if (depth > MAX_DEPTH) throw new SchemaError(path, `at most ${MAX_DEPTH} levels deep`);
    if (seen.has(schema)) throw new SchemaError(path, 'a schema that refers to itself only for a nested value');
    const inside = new Set([...seen, schema]);
    const next = depth + 1;
    let result: Part[][] = [[{ schema: this.#enforced(schema, path), path }]];
    const combine = (options: Part[][]) => {
      result = combined(result, options, path);
    };
    if (schema.$ref !== undefined) combine(this.#one(this.#resolve(schema.$ref, `${path}.$ref`), inside, next));
    if (schema.allOf !== undefined) combine(this.#all(listOf(schema.allOf, `${path}.allOf`), inside, next));
    for (const name of ['anyOf', 'oneOf'] as const) {
      if (schema[name] === undefined) continue;
      const options = listOf(schema[name], `${path}.${name}`);
      const each = options.map((option) => this.#one(option, inside, next));
      if (name === 'oneOf') this.#assertExclusive(each, `${path}.oneOf`);
      combine(each.flat());
    }
    return result;
  }

  /** Reports `oneOf` unless its alternatives are disjoint. */
  #assertExclusive(options: readonly Part[][][], path: string): void {
    for (const [index, option] of options.entries()) {
      for (const other of options.slice(index + 1)) {
        const areDisjoint = option.every((a) => other.every((b) => excludes(a, b) && excludes(b, a)));
        if (areDisjoint) continue;
        this.#unenforced(path, '`anyOf`, or alternatives that exclude each other');
        return;
      }
    }
  }

  /** Reports keywords that cannot be enforced and returns the schema without them. */
  #enforced(schema: JsonObject, path: string): JsonObject {
    const unknown = Object.keys(schema).filter((keyword) => !isAnnotation(keyword) && !isEnforced(keyword));
    if (unknown.length === 0) return schema;
    for (const keyword of unknown) this.#unenforced(`${path}.${keyword}`, 'omitted: this keyword cannot be enforced');
    return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !unknown.includes(keyword)));
  }

  #resolve(reference: JsonValue, path: string): Located {
    if (typeof reference !== 'string' || !reference.startsWith('#')) {
      throw new SchemaError(path, 'a reference within the schema, such as "#/$defs/name"');
    }
    let { schema }: { schema: JsonValue | undefined } = this.#root;
    for (const step of decodeURIComponent(reference.slice(1)).split('/').slice(1)) {
      const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
      if (Array.isArray(schema)) schema = schema[Number(name)];
      else schema = isJsonObject(schema) && Object.hasOwn(schema, name) ? schema[name] : undefined;
    }
    const isWhole = reference === '#' || reference.startsWith('#/');
    if (schema === undefined || !isWhole)
      throw new SchemaError(path, 'a reference to a part of the schema that exists');
    return {
      schema,
      path: `${this.#root.path}${reference.slice(1).replaceAll('/', '.')}`,
    };
  }
}

/** Returns the product of two lists of alternatives. */
function combined(first: readonly Part[][], second: readonly Part[][], path: string): Part[][] {
  if (first.length * second.length > MAX_ALTERNATIVES) {
    throw new SchemaError(path, `at most ${MAX_ALTERNATIVES} combinations of alternatives`);
  }
  return first.flatMap((parts) => second.map((option) => [...parts, ...option]));
}

/** Reads a list of schemas. */
export function listOf(value: JsonValue | undefined, path: string): Located[] {
  if (!Array.isArray(value) || value.length === 0) throw new SchemaError(path, 'a list of schemas');
  return value.map((schema, index) => ({ schema, path: `${path}.${index}` }));
}
