import { HostError } from '../../../common/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../common/json.ts';
import { MAX_GRAMMAR_CHARACTERS } from '../../../protocol/limits.ts';

/** Deepest nesting of a schema that is taken: each level is a rule of the grammar, and a frame of llama.cpp's stack. */
const MAX_DEPTH = 32;

/** Largest bound on a length or count: the grammar spells repetitions out, and llama.cpp refuses more (2,000). */
const MAX_REPETITIONS = 1_000;

/** What the binding makes grammar rules of. Anything else would silently allow more than the schema says. */
const RULES: ReadonlySet<string> = new Set([
  'type',
  'const',
  'enum',
  'oneOf',
  '$ref',
  'properties',
  'additionalProperties',
  'required',
  'items',
  'prefixItems',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'minLength',
  'maxLength',
  'format',
  '$defs',
]);
const COUNTS = ['minItems', 'maxItems', 'minProperties', 'maxProperties', 'minLength', 'maxLength'];

/** Words about a schema, which allow and forbid nothing. */
const REMARKS: ReadonlySet<string> = new Set([
  'description',
  'title',
  'default',
  'examples',
  '$schema',
  '$id',
  '$comment',
]);

const TYPES: ReadonlySet<JsonValue | undefined> = new Set([
  'string',
  'number',
  'integer',
  'boolean',
  'null',
  'object',
  'array',
]);
const FORMATS: ReadonlySet<JsonValue | undefined> = new Set(['date-time', 'time', 'date']);

/**
 * Checks a JSON schema and gives the part of it that becomes a grammar (`anyOf` as `oneOf`, without remarks).
 *
 * @param field The field of the request that holds it.
 * @throws HostError `INVALID_REQUEST` naming the place, for a keyword that could not be kept and for absurd sizes.
 */
export function checkedSchema(schema: JsonObject, field = 'settings.json_schema'): JsonObject {
  const length = JSON.stringify(schema).length;
  if (length > MAX_GRAMMAR_CHARACTERS) {
    throw refused(field, `at most ${MAX_GRAMMAR_CHARACTERS} characters long, got ${length}`);
  }
  return check(schema, field, 0);
}

function check(value: JsonValue | undefined, path: string, depth: number): JsonObject {
  if (!isJsonObject(value)) throw refused(path, 'a schema, that is an object');
  if (depth > MAX_DEPTH) throw refused(path, `at most ${MAX_DEPTH} levels deep`);
  const deeper = (child: JsonValue | undefined, at: string) => check(child, `${path}.${at}`, depth + 1);
  const each = (children: JsonValue | undefined, at: string): JsonObject[] => {
    if (!Array.isArray(children) || children.length === 0) throw refused(`${path}.${at}`, 'a list of schemas');
    return children.map((child, index) => deeper(child, `${at}.${index}`));
  };
  const named = (children: JsonValue | undefined, at: string): JsonObject => {
    if (!isJsonObject(children)) throw refused(`${path}.${at}`, 'schemas by name');
    return Object.fromEntries(Object.entries(children).map(([name, child]) => [name, deeper(child, `${at}.${name}`)]));
  };
  const made: JsonObject = {};
  for (const [key, child] of Object.entries(value)) {
    if (REMARKS.has(key)) continue;
    if (key === 'anyOf' || key === 'oneOf') made.oneOf = each(child, key);
    else if (!RULES.has(key)) throw refused(`${path}.${key}`, `one of ${[...RULES].join(', ')}`);
    else if (key === 'prefixItems') made[key] = each(child, key);
    else if (key === 'items') made[key] = deeper(child, key);
    else if (key === 'additionalProperties') made[key] = typeof child === 'boolean' ? child : deeper(child, key);
    else if (key === 'properties' || key === '$defs') made[key] = named(child, key);
    else made[key] = child;
  }
  checkRules(made, path);
  return made;
}

function checkRules(schema: JsonObject, path: string): void {
  const { type } = schema;
  for (const one of Array.isArray(type) ? type : [type]) {
    if (type !== undefined && !TYPES.has(one)) throw refused(`${path}.type`, `one of ${[...TYPES].join(', ')}`);
  }
  const basic = type !== undefined || 'const' in schema || 'oneOf' in schema || typeof schema.$ref === 'string';
  if (!basic && !Array.isArray(schema.enum)) throw refused(path, 'a schema with type, const, enum, oneOf or $ref');
  if ('enum' in schema && (!Array.isArray(schema.enum) || schema.enum.length === 0 || schema.enum.some(isCompound))) {
    throw refused(`${path}.enum`, 'a list of texts, numbers, booleans or null');
  }
  if (isCompound(schema.const)) throw refused(`${path}.const`, 'a text, a number, a boolean or null');
  if ('format' in schema && !FORMATS.has(schema.format))
    throw refused(`${path}.format`, `one of ${[...FORMATS].join(', ')}`);
  for (const name of COUNTS) {
    const count = schema[name];
    if (count !== undefined && !(Number.isInteger(count) && Number(count) >= 0 && Number(count) <= MAX_REPETITIONS)) {
      throw refused(`${path}.${name}`, `a whole number from 0 to ${MAX_REPETITIONS}`);
    }
  }
}

function isCompound(value: JsonValue | undefined): boolean {
  return typeof value === 'object' && value !== null;
}

/** @param field The place in the request. */
function refused(field: string, expected: string): HostError {
  return new HostError('INVALID_REQUEST', `Expected \`${field}\` to be ${expected}.`, { details: { field, expected } });
}
