import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '../../../host/common/json.ts';
import { accepts } from '../../../host/grammar/derive.ts';
import { MAX_GBNF_CHARACTERS, toGbnf } from '../../../host/grammar/gbnf.ts';
import { compileSchema } from '../../../host/json-schema/compile.ts';

const compile = (schema: JsonValue, strict = true) => compileSchema(schema, { field: 'schema', strict });

/** Schemas, texts that are valid by them, and texts that are not. */
const SCHEMAS: readonly [what: string, schema: JsonValue, valid: readonly string[], invalid: readonly string[]][] = [
  [
    'minimum and maximum',
    { type: 'integer', minimum: -17, maximum: 8 },
    ['-17', '-9', '0', '8'],
    ['-18', '9', '1.5', '-0', '08'],
  ],
  [
    'exclusive bounds',
    { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 2.5 },
    ['0.01', '2', '2.49'],
    ['0', '0.0', '2.5', '-1', '2.51'],
  ],
  ['a minimum alone', { type: 'integer', minimum: 20 }, ['20', '21', '99', '123456'], ['19', '9', '-20', '2']],
  [
    'a bound with a fraction',
    { type: 'number', minimum: -0.25 },
    ['-0.25', '-0.2', '0', '7.5'],
    ['-0.26', '-0.3', '-1'],
  ],
  [
    'bounds of all safe integers',
    { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 },
    ['9007199254740991', '-1'],
    ['9007199254740992'],
  ],
  ['exclusiveMinimum of drafts before 6', { type: 'integer', minimum: 3, exclusiveMinimum: true }, ['4'], ['3']],
  ['multipleOf', { type: 'integer', multipleOf: 7, minimum: 10, maximum: 30 }, ['14', '21', '28'], ['7', '15', '35']],
  [
    'multipleOf with a fraction',
    { type: 'number', multipleOf: 0.05 },
    ['0.05', '1.1', '3', '-2.15', '0.10'],
    ['0.01', '1.11'],
  ],
  [
    'minLength and maxLength',
    { type: 'string', minLength: 2, maxLength: 3 },
    ['"ab"', '"😀é"', '"a\\"b"'],
    ['"a"', '"abcd"'],
  ],
  ['a long maxLength', { type: 'string', maxLength: 20_000 }, ['"ab"'], ['ab']],
  ['pattern', { type: 'string', pattern: '^[A-Z]{2}-\\d+$' }, ['"AB-1"', '"XY-42"'], ['"A-1"', '"AB-"', '"xAB-1"']],
  ['pattern that is not anchored', { type: 'string', pattern: 'b+' }, ['"abc"', '"b"'], ['"a"', '""']],
  ['pattern with look-ahead', { type: 'string', pattern: '^(?!.*x)[a-z]+$' }, ['"abc"'], ['"axb"', '"A"']],
  ['pattern with characters that JSON escapes', { type: 'string', pattern: '^"\\\\\n$' }, ['"\\"\\\\\\n"'], ['"a"']],
  ['pattern and length', { type: 'string', pattern: '^a+$', maxLength: 3 }, ['"aaa"'], ['"aaaa"', '""']],
  [
    'format date',
    { type: 'string', format: 'date' },
    ['"2024-02-29"', '"2023-12-31"'],
    ['"2023-02-29"', '"2023-13-01"', '"23-1-1"'],
  ],
  [
    'format date-time',
    { type: 'string', format: 'date-time' },
    ['"2023-01-02T03:04:05Z"', '"2023-01-02T03:04:05.5+02:00"'],
    ['"2023-01-02"', '"2023-01-02T25:04:05Z"'],
  ],
  [
    'format uuid',
    { type: 'string', format: 'uuid' },
    ['"123e4567-e89b-42d3-a456-426614174000"'],
    ['"123"', '"123e4567-e89b-92d3-a456-426614174000"'],
  ],
  [
    'format email, as Zod writes it',
    {
      type: 'string',
      format: 'email',
      pattern:
        "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
    },
    ['"ada@example.org"', '"a.b+c@x-y.de"'],
    ['"a@b"', '".a@b.de"', '"a..b@c.de"'],
  ],
  ['format ipv4', { type: 'string', format: 'ipv4' }, ['"192.168.0.1"'], ['"256.1.1.1"', '"1.2.3"']],
  [
    'format ipv6',
    { type: 'string', format: 'ipv6' },
    ['"::1"', '"2001:db8::ff00:42:8329"', '"1:2:3:4:5:6:7:8"'],
    ['"1:2"', '"::1::"'],
  ],
  ['format duration', { type: 'string', format: 'duration' }, ['"P1Y2M"', '"PT5S"', '"P3W"'], ['"P"', '"PT"', '"5S"']],
  ['a format that forbids nothing', { type: 'string', format: 'password' }, ['"x"'], ['1']],
  ['a format of numbers', { type: 'integer', format: 'int32' }, ['2147483647'], ['2147483648']],
  [
    'enum with values of all types',
    { enum: ['a', 1, null, { k: [1] }] },
    ['"a"', '1', 'null', '{"k":[1]}'],
    ['"b"', '2', '{"k":[2]}'],
  ],
  ['enum with a type and a bound', { type: 'integer', enum: [1, 5, 'x'], minimum: 2 }, ['5'], ['1', '"x"']],
  ['const', { const: 'yes' }, ['"yes"'], ['"no"', 'true']],
  ['several types', { type: ['integer', 'null'] }, ['3', 'null'], ['"3"', '1.5']],
  ['nullable', { type: 'string', nullable: true }, ['"a"', 'null'], ['1']],
  ['an empty schema', {}, ['1', '"a"', 'null', '[1,{"a":true}]', '{}'], ['a', '']],
  [
    'required and optional properties',
    {
      type: 'object',
      properties: {
        a: { type: 'string' },
        b: { type: 'integer' },
        c: { type: 'null' },
      },
      required: ['b'],
    },
    ['{"b":1}', '{"a":"x","b":1}', '{ "b": 1, "c": null }'],
    ['{}', '{"a":"x"}', '{"b":1,"d":2}', '{"b":1,}'],
  ],
  [
    'only optional properties',
    { type: 'object', properties: { a: { const: 1 }, b: { const: 2 } } },
    ['{}', '{"a":1}', '{"b":2}', '{"a":1,"b":2}'],
    ['{"a":1 "b":2}', '{,}'],
  ],
  ['no properties', { type: 'object', properties: {} }, ['{}', '{ }'], ['{"a":1}']],
  ['any object', { type: 'object' }, ['{}', '{"a":1,"b":[]}'], ['[]']],
  [
    'additionalProperties beside others',
    {
      type: 'object',
      properties: { ab: { type: 'null' } },
      required: ['ab'],
      additionalProperties: { type: 'boolean' },
    },
    ['{"ab":null}', '{"ab":null,"a":true,"abc":false}'],
    ['{"ab":null,"x":1}', '{"ab":null,"ab":true}'],
  ],
  [
    'a record with names',
    {
      type: 'object',
      propertyNames: { pattern: '^k\\d$' },
      additionalProperties: { type: 'integer' },
    },
    ['{}', '{"k1":1,"k2":2}'],
    ['{"x":1}'],
  ],
  [
    'minProperties and maxProperties',
    {
      type: 'object',
      properties: { a: { const: 1 }, b: { const: 2 }, c: { const: 3 } },
      minProperties: 1,
      maxProperties: 2,
    },
    ['{"a":1}', '{"b":2,"c":3}'],
    ['{}', '{"a":1,"b":2,"c":3}'],
  ],
  [
    'required without a property',
    { type: 'object', required: ['a'] },
    ['{"a":1}', '{"a":[],"b":2}'],
    ['{}', '{"b":1}'],
  ],
  [
    'items and their number',
    { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 2 },
    ['[1]', '[1, 2]'],
    ['[]', '[1,2,3]', '["a"]'],
  ],
  [
    'prefixItems',
    {
      type: 'array',
      prefixItems: [{ type: 'string' }, { type: 'integer' }],
      items: false,
    },
    ['["a",1]'],
    ['["a"]', '["a",1,2]', '[1,"a"]'],
  ],
  [
    'items behind prefixItems',
    { type: 'array', prefixItems: [{ const: 1 }], items: { const: 2 } },
    ['[1]', '[1,2,2]'],
    ['[]', '[2]'],
  ],
  [
    'uniqueItems of an enumeration',
    {
      type: 'array',
      items: { enum: ['a', 'b', 'c'] },
      uniqueItems: true,
      minItems: 1,
    },
    ['["a"]', '["c","a","b"]'],
    ['[]', '["a","a"]'],
  ],
  [
    'anyOf',
    {
      anyOf: [
        { type: 'string' },
        {
          type: 'object',
          properties: { a: { type: 'null' } },
          required: ['a'],
        },
      ],
    },
    ['"x"', '{"a":null}'],
    ['1', '{}'],
  ],
  [
    'oneOf whose alternatives a property distinguishes',
    {
      oneOf: [
        {
          type: 'object',
          properties: { k: { const: 'x' }, v: { type: 'string' } },
          required: ['k', 'v'],
        },
        { type: 'object', properties: { k: { const: 'y' } }, required: ['k'] },
      ],
    },
    ['{"k":"x","v":"1"}', '{"k":"y"}'],
    ['{"k":"x"}', '{"k":"y","v":"1"}'],
  ],
  [
    'allOf',
    {
      allOf: [
        {
          type: 'object',
          properties: { a: { type: 'number', minimum: 1 } },
          required: ['a'],
        },
        { properties: { a: { maximum: 2 } } },
      ],
    },
    ['{"a":1}', '{"a":2}'],
    ['{"a":0}', '{"a":3}', '{}'],
  ],
  [
    '$ref beside other keywords',
    {
      $defs: { A: { type: 'string', enum: ['p', 'q'] } },
      type: 'object',
      properties: { x: { $ref: '#/$defs/A', description: 'd', default: 'p' } },
      required: ['x'],
    },
    ['{"x":"p"}'],
    ['{"x":"r"}', '{}'],
  ],
  [
    'a recursive $ref',
    {
      $ref: '#/$defs/Node',
      $defs: {
        Node: {
          type: 'object',
          properties: {
            next: { anyOf: [{ $ref: '#/$defs/Node' }, { type: 'null' }] },
          },
          required: ['next'],
        },
      },
    },
    ['{"next":null}', '{"next":{"next":{"next":null}}}'],
    ['{}', '{"next":{}}'],
  ],
  ['keywords of strings without a type', { minLength: 2 }, ['"ab"'], ['"a"']],
];

describe('a JSON schema', () => {
  it.each(SCHEMAS)('with %s allows exactly the valid values', (_what, schema, valid, invalid) => {
    const { expression, ignored } = compile(schema);
    expect(valid.filter((text) => !accepts(expression, text))).toEqual([]);
    expect(invalid.filter((text) => accepts(expression, text))).toEqual([]);
    expect(ignored).toEqual([]);
    expect(toGbnf(expression)).toMatch(/^root ::= /);
  });

  it('allows no number that rounds to one out of bounds', () => {
    const { expression } = compile({ type: 'number', exclusiveMaximum: 1 });
    expect(accepts(expression, `0.${'9'.repeat(14)}`)).toBe(true);
    expect(accepts(expression, `0.${'9'.repeat(17)}`)).toBe(false);
  });

  it.each<[string, JsonValue, string]>([
    ['an unknown keyword', { type: 'string', patterns: 'a' }, 'schema.patterns'],
    ['not', { not: { type: 'string' } }, 'schema.not'],
    ['if', { type: 'object', if: {}, else: {} }, 'schema.if'],
    ['contains', { type: 'array', contains: { const: 1 } }, 'schema.contains'],
    ['patternProperties', { type: 'object', patternProperties: { a: {} } }, 'schema.patternProperties'],
    ['dependentRequired', { type: 'object', dependentRequired: { a: ['b'] } }, 'schema.dependentRequired'],
    ['uniqueItems of any text', { type: 'array', items: { type: 'string' }, uniqueItems: true }, 'schema.uniqueItems'],
    ['an unknown format', { type: 'string', format: 'isbn' }, 'schema.format'],
    ['a back reference', { type: 'string', pattern: '(a)\\1' }, 'schema.pattern'],
    ['look-behind', { type: 'string', pattern: '(?<=a)b' }, 'schema.pattern'],
    ['a word boundary', { type: 'string', pattern: '\\bfoo' }, 'schema.pattern'],
    ['a pattern with too many states', { type: 'string', pattern: '^(?:a|aa)*b.{3000}$' }, 'schema.pattern'],
    ['a large divisor', { type: 'integer', multipleOf: 1009 }, 'schema.multipleOf'],
    ['oneOf whose alternatives overlap', { oneOf: [{ type: 'integer' }, { type: 'number' }] }, 'schema.oneOf'],
    ['a nested one', { type: 'array', items: { properties: { a: { not: {} } } } }, 'schema.items.properties.a.not'],
  ])('that cannot be enforced for %s is rejected by name, or reported as ignored', (_what, schema, path) => {
    expect(() => compile(schema)).toThrow(expect.objectContaining({ path }));
    expect(compile(schema, false).ignored).toContain(path);
  });

  it.each<[string, JsonValue, string]>([
    ['an invalid type', { type: 'date' }, 'schema.type'],
    ['a reference to nothing', { $ref: '#/$defs/x' }, 'schema.$ref'],
    ['a reference to elsewhere', { $ref: 'https://example.org/s' }, 'schema.$ref'],
    ['a reference to itself', { $ref: '#' }, 'schema'],
    ['an empty list of alternatives', { anyOf: [] }, 'schema.anyOf'],
    ['an invalid schema', { type: 'object', properties: { a: 1 } }, 'schema.properties.a'],
    ['an invalid pattern', { type: 'string', pattern: '(' }, 'schema.pattern'],
    ['bounds that exclude each other', { type: 'integer', minimum: 3, maximum: 2 }, 'schema'],
    ['parts that exclude each other', { allOf: [{ type: 'string' }, { type: 'null' }] }, 'schema.type'],
    ['an invalid count', { type: 'string', maxLength: -1 }, 'schema.maxLength'],
    ['a count that is too large', { type: 'string', maxLength: 1e9 }, 'schema.maxLength'],
    ['a schema that is too long', { enum: ['x'.repeat(70_000)] }, 'schema'],
    [
      'a required property that is not allowed',
      {
        type: 'object',
        properties: {},
        required: ['a'],
        additionalProperties: false,
      },
      'schema.required',
    ],
  ])('with %s is rejected', (_what, schema, path) => {
    expect(() => compile(schema)).toThrow(expect.objectContaining({ path }));
  });

  it('is limited in depth, alternatives and size', () => {
    let deep: JsonObject = { type: 'null' };
    for (let level = 0; level < 100; level++) deep = { type: 'array', items: deep };
    expect(() => compile(deep)).toThrow(/levels deep/);
    const options = { anyOf: [{ minimum: 1 }, { minimum: 2 }, { minimum: 3 }] };
    expect(() => compile({ allOf: Array.from({ length: 10 }, () => options) })).toThrow(/combinations/);
    const wide = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`p${index}`, { type: 'string' }]));
    expect(toGbnf(compile({ type: 'object', properties: wide }).expression).length).toBeLessThan(MAX_GBNF_CHARACTERS);
  });

  it('whose parts combine recursively is finite', () => {
    const schema = {
      $ref: '#/$defs/a',
      $defs: {
        a: {
          properties: {
            x: { allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }] },
          },
        },
        b: {
          properties: {
            x: { allOf: [{ $ref: '#/$defs/b' }, { $ref: '#/$defs/a' }] },
          },
        },
      },
    };
    expect(accepts(compile(schema).expression, '{"x":{"x":{}}}')).toBe(true);
  });
});
