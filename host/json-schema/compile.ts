import { isJsonObject, type JsonValue } from '../common/json.ts';
import { accepts } from '../grammar/derive.ts';
import { and, choice, type Expression, isNothing, NOTHING, not, type Rule, ref, text } from '../grammar/expression.ts';
import { lengthLanguage, PatternError, patternLanguage } from '../grammar/pattern.ts';
import { LanguageTooLargeError, regularRules, withSharedLimit } from '../grammar/regular.ts';
import { Alternatives } from './alternatives.ts';
import { typeOfValue } from './excludes.ts';
import { formatPattern, numberFormat } from './formats.ts';
import { itemsInOrder, itemsOnce } from './items.ts';
import { impliedTypes } from './keywords.ts';
import { type Member, Members } from './members.ts';
import { JSON_NOTATION, type Notation } from './notation.ts';
import { ANY_INTEGER, ANY_NUMBER, numberLanguage } from './numbers.ts';
import type { Located, Part } from './part.ts';
import {
  allowsStrings,
  bounds,
  extreme,
  namesOf,
  numbersOf,
  propertySchemas,
  readItems,
  schemasOf,
  withoutMultiples,
} from './read-keywords.ts';
import { SchemaError } from './schema-error.ts';

/** Maximum length of a schema as JSON, in UTF-16 code units. */
const MAX_SCHEMA_CHARACTERS = 64 * 1024;

/** Maximum number of subschemas, counting each combination with others. */
const MAX_SUBSCHEMAS = 5_000;

/** Maximum nesting of values: each level adds an entry to the stack of llama.cpp's grammar. */
const MAX_DEPTH = 64;

/** Maximum number of values of an enumeration with `uniqueItems`: there is a rule for each subset. */
const MAX_UNIQUE = 8;

const TYPES = ['string', 'number', 'integer', 'boolean', 'null', 'object', 'array'] as const;
type Type = (typeof TYPES)[number];

/** The result of {@link compileSchema}. */
export interface CompiledSchema {
  readonly expression: Expression;
  /** Paths of the keywords that are not enforced; empty if the schema is strict. */
  readonly ignored: readonly string[];
}

/** Options of {@link compileSchema}. */
export interface SchemaOptions {
  /** The field of the request that contains the schema, for error messages. */
  readonly field: string;
  /** Whether a keyword that cannot be enforced is an error. */
  readonly strict: boolean;
  readonly notation?: Notation;
  /** Whether only objects are allowed, regardless of the schema. */
  readonly isObject?: boolean;
}

/**
 * Returns the language of the values that satisfy a JSON schema. Properties are in the order of their declaration. An
 * object with declared properties has no others unless `additionalProperties` allows them.
 *
 * @throws SchemaError for a schema that is invalid, too large or unsatisfiable; with `strict`, also for a keyword that
 *   cannot be enforced.
 */
export function compileSchema(schema: JsonValue, options: SchemaOptions): CompiledSchema {
  const length = JSON.stringify(schema).length;
  if (length > MAX_SCHEMA_CHARACTERS) {
    throw new SchemaError(options.field, `at most ${MAX_SCHEMA_CHARACTERS} characters long, got ${length}`);
  }
  const compiler = new Compiler({ schema, path: options.field }, options);
  const root = { schema, path: options.field };
  const parts = options.isObject === true ? [{ schema: { type: 'object' }, path: options.field }, root] : [root];
  const expression = withSharedLimit(() => compiler.value(parts));
  return { expression, ignored: [...compiler.ignored] };
}

class Compiler {
  readonly ignored = new Set<string>();
  readonly #alternatives: Alternatives;
  readonly #strict: boolean;
  #notation: Notation;
  readonly #rules = new Map<string, Rule>();
  readonly #ids = new Map<JsonValue, number>();
  #subschemas = 0;
  #depth = 0;

  constructor(root: Located, { strict, notation = JSON_NOTATION }: SchemaOptions) {
    this.#strict = strict;
    this.#notation = notation;
    this.#alternatives = new Alternatives(root, (path, expected) => this.#unenforced(path, expected));
  }

  /** Returns the language of the values that satisfy all schemas. */
  value(schemas: readonly Located[]): Expression {
    const key = [this.#notation.name, ...new Set(schemas.map(({ schema }) => this.#id(schema)))].join();
    const known = this.#rules.get(key);
    if (known !== undefined) return ref(known);
    const [first] = schemas;
    const path = first?.path ?? '';
    if (this.#subschemas++ > MAX_SUBSCHEMAS) {
      throw new SchemaError(path, `part of a schema with at most ${MAX_SUBSCHEMAS} subschemas`);
    }
    if (this.#depth > MAX_DEPTH) throw new SchemaError(path, `at most ${MAX_DEPTH} levels deep`);
    const rule: Rule = {
      name: path.split('.').at(-1) ?? 'value',
      body: NOTHING,
    };
    this.#rules.set(key, rule);
    this.#depth += 1;
    rule.body = choice(...this.#alternatives.of(schemas).map((parts) => this.#parts(parts, path)));
    this.#depth -= 1;
    if (isNothing(rule.body)) throw new SchemaError(path, 'a schema that at least one value satisfies');
    return ref(rule);
  }

  /** Returns the language of a value in an object or array; of any value if there are no schemas. */
  #inside(schemas: readonly Located[], path: string): Expression {
    const outer = this.#notation;
    this.#notation = outer.inside ?? outer;
    const written = this.value(schemas.length === 0 ? [{ schema: true, path }] : schemas);
    this.#notation = outer;
    return written;
  }

  #id(schema: JsonValue): number {
    let id = this.#ids.get(schema);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(schema, id);
    }
    return id;
  }

  #unenforced(path: string, expected: string): void {
    if (this.#strict) throw new SchemaError(path, expected);
    this.ignored.add(path);
  }

  #parts(parts: readonly Part[], path: string): Expression {
    const given = parts.flatMap((part) => this.#values(part));
    if (given.length > 0) return this.#listed(given, parts, path);
    return choice(...this.#types(parts, path).map((type) => this.#ofType(type, parts, path)));
  }

  /** Returns the lists of values in `enum` and `const`. */
  #values({ schema, path }: Part): JsonValue[][] {
    const lists: JsonValue[][] = [];
    if (schema.enum !== undefined) {
      if (!Array.isArray(schema.enum) || schema.enum.length === 0)
        throw new SchemaError(`${path}.enum`, 'a list of values');
      lists.push(schema.nullable === true ? [...schema.enum, null] : schema.enum);
    }
    if (schema.const !== undefined) lists.push([schema.const]);
    return lists;
  }

  /** Returns the language of the values that are in all lists and satisfy the other keywords. */
  #listed(lists: readonly JsonValue[][], parts: readonly Part[], path: string): Expression {
    const [first = [], ...others] = lists.map((list) => new Map(list.map((value) => [JSON.stringify(value), value])));
    const rest = parts.map(({ schema, path: at }) => {
      const { enum: _enum, const: _const, ...keywords } = schema;
      return { schema: keywords, path: at };
    });
    const types = this.#types(rest, path);
    const isPlain = rest.every(({ schema }) => impliedTypes(schema).length === 0 && schema.format === undefined);
    const values = [...first]
      .filter(([json]) => others.every((list) => list.has(json)))
      .map(([, value]) => value)
      .filter((value) => hasType(value, types));
    if (isPlain) return choice(...values.map((value) => this.#notation.value(value)));
    const valid = new Compiler({ schema: true, path }, { field: path, strict: this.#strict });
    const language = choice(...types.map((type) => valid.#ofType(type, rest, path)));
    return choice(
      ...values.filter((value) => accepts(language, JSON.stringify(value))).map((value) => this.#notation.value(value)),
    );
  }

  #types(parts: readonly Part[], path: string): Type[] {
    let types: Type[] = [...TYPES];
    let isGiven = false;
    for (const { schema, path: at } of parts) {
      if (schema.type === undefined) continue;
      isGiven = true;
      const named = (Array.isArray(schema.type) ? schema.type : [schema.type]) as Type[];
      const unknown = named.find((type) => !TYPES.includes(type));
      if (unknown !== undefined) throw new SchemaError(`${at}.type`, `one of ${TYPES.join(', ')}`);
      const allowed = new Set<Type>(schema.nullable === true ? [...named, 'null'] : named);
      if (allowed.has('number')) allowed.add('integer');
      types = types.filter((type) => allowed.has(type));
    }
    if (!isGiven) {
      const implied = new Set<string>(parts.flatMap(({ schema }) => impliedTypes(schema)));
      if (implied.size > 0) types = types.filter((type) => implied.has(type));
    }
    if (types.length === 0) throw new SchemaError(`${path}.type`, 'a type that all parts of the schema allow');
    // `number` includes integers.
    return types.includes('number') ? types.filter((type) => type !== 'integer') : types;
  }

  #ofType(type: Type, parts: readonly Part[], path: string): Expression {
    switch (type) {
      case 'null':
        return this.#notation.value(null);
      case 'boolean':
        return choice(this.#notation.value(true), this.#notation.value(false));
      case 'string':
        return this.#string(parts, path);
      case 'number':
      case 'integer':
        return this.#notation.number(this.#number(type === 'integer', parts, path));
      case 'object':
        return this.#object(parts, path);
      case 'array':
        return this.#array(parts, path);
    }
  }

  #string(parts: readonly Part[], path: string): Expression {
    const { min, max } = bounds(parts, 'minLength', 'maxLength');
    const languages = this.#languages(parts);
    if (languages.length === 0) {
      if (min === 0 && max === undefined) return this.#notation.string();
      const keyword = max === undefined ? 'minLength' : 'maxLength';
      return (
        this.#bounded(`${path}.${keyword}`, () => this.#notation.stringOfLength(min, max)) ?? this.#notation.string()
      );
    }
    const all = min === 0 && max === undefined ? languages : [...languages, lengthLanguage(min, max)];
    const keyword = parts.some(({ schema }) => schema.pattern !== undefined) ? 'pattern' : 'format';
    return this.#bounded(`${path}.${keyword}`, () => this.#notation.string(and(...all))) ?? this.#notation.string();
  }

  /** Returns the languages of `pattern` and `format`. */
  #languages(parts: readonly Part[]): Expression[] {
    const languages: Expression[] = [];
    const add = (pattern: string, at: string) => {
      try {
        languages.push(patternLanguage(pattern));
      } catch (error) {
        if (!(error instanceof PatternError)) throw error;
        this.#unenforced(at, `a regular expression that can be enforced: ${error.message}`);
      }
    };
    for (const { schema, path } of parts) {
      const { pattern, format } = schema;
      if (format !== undefined) {
        const known = typeof format === 'string' ? formatPattern(format) : undefined;
        if (known === undefined) this.#unenforced(`${path}.format`, 'a known format');
        else if (known !== null) add(known, `${path}.format`);
      }
      if (pattern === undefined) continue;
      if (typeof pattern !== 'string') throw new SchemaError(`${path}.pattern`, 'a regular expression');
      add(pattern, `${path}.pattern`);
    }
    return languages;
  }

  /**
   * Creates the rules of a regular language; undefined if there would be too many. @throws SchemaError if it is empty.
   */
  #bounded(path: string, create: () => Expression): Expression | undefined {
    try {
      const rules = create();
      if (!isNothing(rules)) return rules;
    } catch (error) {
      if (!(error instanceof LanguageTooLargeError)) throw error;
      this.#unenforced(path, `simpler, because ${error.message}`);
      return undefined;
    }
    throw new SchemaError(path, 'a rule that at least one value satisfies');
  }

  #number(isInteger: boolean, parts: readonly Part[], path: string): Expression {
    const all = parts.flatMap(({ schema, path: at }) => {
      const { format } = schema;
      const byFormat = typeof format === 'string' ? numberFormat(format) : undefined;
      if (format !== undefined && byFormat === undefined && schema.type !== undefined && !allowsStrings(schema)) {
        this.#unenforced(`${at}.format`, 'a known format');
      }
      return [numbersOf(schema, at), ...(byFormat === undefined ? [] : [byFormat])];
    });
    const largest = (name: 'minimum' | 'exclusiveMinimum') => extreme(all, name, Math.max);
    const smallest = (name: 'maximum' | 'exclusiveMaximum') => extreme(all, name, Math.min);
    const multiples = parts.flatMap(({ schema }) => (typeof schema.multipleOf === 'number' ? [schema.multipleOf] : []));
    const rules = {
      isInteger,
      minimum: largest('minimum'),
      maximum: smallest('maximum'),
      exclusiveMinimum: largest('exclusiveMinimum'),
      exclusiveMaximum: smallest('exclusiveMaximum'),
      multiples,
    };
    const plain = isInteger ? ANY_INTEGER : ANY_NUMBER;
    const { multiples: _, isInteger: __, ...limits } = rules;
    if (multiples.length === 0 && Object.values(limits).every((limit) => limit === undefined)) return plain;
    const language = numberLanguage(rules);
    if (language === undefined) {
      this.#unenforced(`${path}.multipleOf`, 'a number of at most 1000 times a power of ten');
      return this.#number(isInteger, parts.map(withoutMultiples), path);
    }
    const write = () => regularRules(language);
    return this.#bounded(multiples.length === 0 ? path : `${path}.multipleOf`, write) ?? plain;
  }

  #object(parts: readonly Part[], path: string): Expression {
    const required = new Set(parts.flatMap(({ schema, path: at }) => namesOf(schema.required, `${at}.required`)));
    const properties = parts.map(({ schema, path: at }) => schemasOf(schema.properties, `${at}.properties`));
    const names = [...new Set([...properties.flatMap((own) => [...own.keys()]), ...required])];
    if (this.#notation.isSorted === true) names.sort();
    const { min, max } = bounds(parts, 'minProperties', 'maxProperties');
    const keyLanguages = this.#keyLanguages(parts);
    const members: Member[] = [];
    for (const name of names) {
      const schemas = propertySchemas(name, parts, properties);
      const isNamed = schemas !== undefined && keyLanguages.every((language) => accepts(language, name));
      if (!isNamed) {
        if (required.has(name)) throw new SchemaError(`${path}.required`, `without "${name}", which is not allowed`);
        continue;
      }
      const value = this.#inside(schemas, `${path}.${name}`);
      members.push({
        written: this.#notation.member(name, value),
        isRequired: required.has(name),
      });
    }
    const extra = this.#extraMember(parts, names, keyLanguages, path);
    const counts = { min, max: max ?? Number.POSITIVE_INFINITY };
    const written = new Members(members, extra, this.#notation.comma, counts).write();
    if (isNothing(written)) throw new SchemaError(path, 'a schema that at least one value satisfies');
    return this.#notation.object(written);
  }

  /** Returns the language of an undeclared member; undefined if none is allowed. */
  #extraMember(
    parts: readonly Part[],
    names: readonly string[],
    keyLanguages: readonly Expression[],
    path: string,
  ): Expression | undefined {
    const declaring = parts.filter(({ schema }) => schema.additionalProperties !== undefined);
    if (declaring.some(({ schema }) => schema.additionalProperties === false)) return undefined;
    if (declaring.length === 0 && parts.some(({ schema }) => schema.properties !== undefined)) return undefined;
    const schemas = declaring.map(({ schema, path: at }) => ({
      schema: schema.additionalProperties ?? true,
      path: `${at}.additionalProperties`,
    }));
    const value = this.#inside(schemas, `${path}.additionalProperties`);
    const excluded = names.length === 0 ? [] : [not(choice(...names.map((name) => text(name))))];
    const languages = [...keyLanguages, ...excluded];
    const write = (written: Expression) => this.#notation.memberIn(written, value);
    return languages.length === 0
      ? write(lengthLanguage())
      : this.#bounded(`${path}.additionalProperties`, () => write(and(...languages)));
  }

  #keyLanguages(parts: readonly Part[]): Expression[] {
    return parts.flatMap(({ schema, path }) => {
      const names = schema.propertyNames;
      if (names === undefined || names === true) return [];
      if (!isJsonObject(names)) throw new SchemaError(`${path}.propertyNames`, 'a schema');
      const at = `${path}.propertyNames`;
      for (const keyword of Object.keys(names)) {
        if (['type', 'pattern', 'format', 'minLength', 'maxLength', 'enum', 'const'].includes(keyword)) continue;
        this.#unenforced(`${at}.${keyword}`, 'omitted: this keyword cannot be enforced');
      }
      const part = { schema: names, path: at };
      const listed = this.#values(part).map((values) => choice(...values.map((value) => text(String(value)))));
      const { min, max } = bounds([part], 'minLength', 'maxLength');
      return [
        ...listed,
        ...this.#languages([part]),
        ...(min === 0 && max === undefined ? [] : [lengthLanguage(min, max)]),
      ];
    });
  }

  #array(parts: readonly Part[], path: string): Expression {
    const lists = parts.map(readItems);
    const length = Math.max(0, ...lists.map(({ first }) => first.length));
    const at = (index: number): Located[] | undefined => {
      const schemas = lists.map(({ first, rest }) => first[index] ?? rest);
      return schemas.some((schema) => schema?.schema === false)
        ? undefined
        : schemas.filter((schema) => schema !== undefined);
    };
    const item = (index: number): Expression | undefined => {
      const schemas = at(index);
      return schemas && this.#item(this.#inside(schemas, `${path}.items`));
    };
    let { min, max } = bounds(parts, 'minItems', 'maxItems');
    const rest = max !== undefined && max <= length ? undefined : item(length);
    if (rest === undefined) max = Math.min(max ?? length, length);
    // All items of a tuple are generated.
    min = Math.max(min, Math.min(length, max ?? length));
    if (max !== undefined && max < min) throw new SchemaError(`${path}.minItems`, `at most ${max}`);
    if (parts.some(({ schema }) => schema.uniqueItems === true) && (max === undefined || max > 1)) {
      const unique = length === 0 ? this.#uniqueItems(at(0) ?? [], min, max) : undefined;
      if (unique !== undefined) return this.#notation.array(unique);
      this.#unenforced(
        `${path}.uniqueItems`,
        `omitted, or used with items of an enumeration of at most ${MAX_UNIQUE} values`,
      );
    }
    const first = Array.from({ length: Math.min(length, max ?? length) }, (_, index) => item(index) ?? NOTHING);
    return this.#notation.array(itemsInOrder(first, rest, this.#notation.comma, { min, max }));
  }

  #item(value: Expression): Expression {
    return this.#notation.item?.(value) ?? value;
  }

  /** Returns the language of unique items; undefined unless they are the values of a small enumeration. */
  #uniqueItems(schemas: readonly Located[], min: number, max: number | undefined): Expression | undefined {
    const alternatives = this.#alternatives.of(schemas);
    const values = new Map<string, JsonValue>();
    for (const parts of alternatives) {
      const lists = parts.flatMap((part) => this.#values(part));
      const types = this.#types(parts, '');
      const isBoolean = types.length === 1 && types[0] === 'boolean';
      if (lists.length !== 1 && !isBoolean) return undefined;
      for (const value of lists[0] ?? [true, false]) {
        if (hasType(value, types)) values.set(JSON.stringify(value), value);
      }
    }
    const items = [...values.values()].map((value) => this.#item(this.#notation.value(value)));
    if (items.length > MAX_UNIQUE || items.length < min) return undefined;
    return itemsOnce(items, this.#notation.comma, min, max);
  }
}

function hasType(value: JsonValue, types: readonly Type[]): boolean {
  const type = typeOfValue(value) as Type;
  return types.includes(type) || (type === 'integer' && types.includes('number'));
}
