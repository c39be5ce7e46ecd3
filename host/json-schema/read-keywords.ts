import { isJsonObject, type JsonObject, type JsonValue } from '../common/json.ts';
import { listOf } from './alternatives.ts';
import type { Located, Part } from './part.ts';
import { SchemaError } from './schema-error.ts';

/** Maximum bound on a length or a number of items. */
const MAX_COUNT = 65_536;

/** Returns the schemas of a property; undefined if the property is not allowed. */
export function propertySchemas(
  name: string,
  parts: readonly Part[],
  properties: readonly ReadonlyMap<string, Located>[],
): Located[] | undefined {
  const schemas: Located[] = [];
  for (const [index, { schema, path }] of parts.entries()) {
    const own = properties[index]?.get(name);
    const { additionalProperties: additional } = schema;
    if (own !== undefined) schemas.push(own);
    else if (additional === false) return undefined;
    else if (additional !== undefined) schemas.push({ schema: additional, path: `${path}.additionalProperties` });
  }
  return schemas.some(({ schema }) => schema === false) ? undefined : schemas;
}

/** Returns the schemas of an array's first items and of the remaining items. */
export function readItems({ schema, path }: Part): { first: Located[]; rest: Located | undefined } {
  const { prefixItems, items, additionalItems } = schema;
  const isOldTuple = Array.isArray(items);
  const first = isOldTuple ? items : prefixItems;
  const name = isOldTuple ? 'items' : 'prefixItems';
  const rest = isOldTuple ? additionalItems : items;
  const restPath = `${path}.${isOldTuple ? 'additionalItems' : 'items'}`;
  return {
    first: first === undefined ? [] : listOf(first, `${path}.${name}`),
    rest: rest === undefined ? undefined : { schema: rest, path: restPath },
  };
}

/** Returns the intersection of the bounds on a length or number that two keywords define. */
export function bounds(
  parts: readonly Part[],
  minKey: string,
  maxKey: string,
): { min: number; max: number | undefined } {
  const read = (name: string) =>
    parts.flatMap(({ schema, path }) => {
      const count = schema[name];
      if (count === undefined) return [];
      if (!Number.isInteger(count) || Number(count) < 0 || Number(count) > MAX_COUNT) {
        throw new SchemaError(`${path}.${name}`, `a whole number from 0 to ${MAX_COUNT}`);
      }
      return [Number(count)];
    });
  const [mins, maxes] = [read(minKey), read(maxKey)];
  const min = Math.max(0, ...mins);
  const max = maxes.length === 0 ? undefined : Math.min(...maxes);
  if (max !== undefined && max < min) throw new SchemaError(`${parts[0]?.path}.${maxKey}`, `at least ${min}`);
  return { min, max };
}

export type Numbers = {
  readonly [name in 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum']?: number;
};

/** Returns the bounds that a schema sets for numbers. `exclusiveMinimum: true` is from drafts before 6. */
export function numbersOf(schema: JsonObject, path: string): Numbers {
  const read = (name: string): number | undefined => {
    const value = schema[name];
    if (value === undefined || typeof value === 'boolean') return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw new SchemaError(`${path}.${name}`, 'a number');
    return value;
  };
  const multiple = read('multipleOf');
  if (multiple !== undefined && multiple <= 0) throw new SchemaError(`${path}.multipleOf`, 'greater than 0');
  const bounds = {
    minimum: read('minimum'),
    maximum: read('maximum'),
    exclusiveMinimum: schema.exclusiveMinimum === true ? read('minimum') : read('exclusiveMinimum'),
    exclusiveMaximum: schema.exclusiveMaximum === true ? read('maximum') : read('exclusiveMaximum'),
  };
  return Object.fromEntries(Object.entries(bounds).filter(([, bound]) => bound !== undefined));
}

export function extreme(all: readonly Numbers[], name: keyof Numbers, choose: (...values: number[]) => number) {
  const values = all.map((bounds) => bounds[name]).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : choose(...values);
}

export function withoutMultiples({ schema, path }: Part): Part {
  const { multipleOf: _, ...rest } = schema;
  return { schema: rest, path };
}

export function allowsStrings({ type }: JsonObject): boolean {
  return Array.isArray(type) ? type.includes('string') : type === 'string';
}

export function namesOf(value: JsonValue | undefined, path: string): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.some((name) => typeof name !== 'string'))
    throw new SchemaError(path, 'a list of names');
  return value as string[];
}

export function schemasOf(value: JsonValue | undefined, path: string): Map<string, Located> {
  if (value === undefined) return new Map();
  if (!isJsonObject(value)) throw new SchemaError(path, 'schemas by name');
  return new Map(
    Object.entries(value).map(([name, schema]) => [name, { schema: schema ?? true, path: `${path}.${name}` }]),
  );
}
