import { isJsonObject, type JsonObject, type JsonValue } from '../common/json.ts';
import type { Part } from './part.ts';

/**
 * Returns whether a value that is generated for `generated` cannot satisfy `others`. Generated objects have no
 * undeclared properties. Conservative: returns false if a simple comparison does not decide it.
 */
export function excludes(generated: readonly Part[], others: readonly Part[]): boolean {
  return generated.some((a) => others.some((b) => areDisjoint(a.schema, b.schema))) || lacksRequired(generated, others);
}

function areDisjoint(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === false || b === false) return true;
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const [typesA, typesB] = [typesOf(a), typesOf(b)];
  if (typesA && typesB && !typesA.some((type) => typesB.includes(type))) return true;
  const [valuesA, valuesB] = [valuesOf(a), valuesOf(b)];
  if (valuesA && valuesB && !valuesA.some((value) => valuesB.includes(value))) return true;
  const { properties: propertiesA, required: requiredA } = a;
  const { properties: propertiesB, required: requiredB } = b;
  if (!isJsonObject(propertiesA) || !isJsonObject(propertiesB)) return false;
  // Both require a property, with disjoint schemas.
  const both = [requiredA, requiredB].map((names) => new Set(Array.isArray(names) ? names : []));
  return Object.entries(propertiesA).some(
    ([name, schema]) =>
      Object.hasOwn(propertiesB, name) &&
      both.every((names) => names.has(name)) &&
      areDisjoint(schema, propertiesB[name]),
  );
}

function lacksRequired(generated: readonly Part[], others: readonly Part[]): boolean {
  if (!generated.every(({ schema }) => typesOf(schema)?.join() === 'object' || isJsonObject(schema.properties)))
    return false;
  if (
    generated.some(({ schema }) => schema.additionalProperties !== undefined && schema.additionalProperties !== false)
  ) {
    return false;
  }
  if (!generated.some(({ schema }) => isJsonObject(schema.properties))) return false;
  const names = new Set(
    generated.flatMap(({ schema }) => [
      ...(isJsonObject(schema.properties) ? Object.keys(schema.properties) : []),
      ...(Array.isArray(schema.required) ? schema.required : []),
    ]),
  );
  return others.some(
    ({ schema }) =>
      Array.isArray(schema.required) &&
      (typesOf(schema)?.join() === 'object' || isJsonObject(schema.properties)) &&
      schema.required.some((name) => !names.has(name)),
  );
}

/** Returns the types of a schema; `number` includes integers. */
function typesOf(schema: JsonObject): string[] | undefined {
  const { type, nullable } = schema;
  if (type === undefined) return valuesOf(schema)?.map((value) => typeOfValue(JSON.parse(value)));
  const types = (Array.isArray(type) ? type : [type]).map(String);
  return [...types, ...(types.includes('number') ? ['integer'] : []), ...(nullable === true ? ['null'] : [])];
}

/** Returns the values of `enum` or `const`, as JSON. */
function valuesOf(schema: JsonObject): string[] | undefined {
  if (schema.nullable === true) return undefined;
  const { const: constant } = schema;
  const values = Array.isArray(schema.enum) ? schema.enum : constant === undefined ? undefined : [constant];
  return values?.map((value) => JSON.stringify(value));
}

/** Returns the JSON Schema type of a value. */
export function typeOfValue(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}
