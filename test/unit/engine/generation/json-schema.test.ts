import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../../host/common/json.ts';
import { checkedSchema } from '../../../../host/engine/runner/generation/json-schema.ts';

function nested(depth: number): JsonObject {
  return depth === 0 ? { type: 'null' } : { type: 'array', items: nested(depth - 1) };
}

describe('a JSON schema', () => {
  it('is kept except for annotations, with anyOf as oneOf', () => {
    expect(
      checkedSchema({
        $schema: 'draft',
        title: 'Answer',
        type: 'object',
        properties: { title: { anyOf: [{ type: 'string', minLength: 1 }, { const: null }] } },
        required: ['title'],
        additionalProperties: false,
      }),
    ).toEqual({
      type: 'object',
      properties: { title: { oneOf: [{ type: 'string', minLength: 1 }, { const: null }] } },
      required: ['title'],
      additionalProperties: false,
    });
  });

  it.each<[string, JsonObject, string]>([
    ['a keyword that could not be kept', { type: 'string', pattern: 'a+' }, 'settings.json_schema.pattern'],
    [
      'one deep inside',
      { type: 'array', items: { type: 'integer', minimum: 3 } },
      'settings.json_schema.items.minimum',
    ],
    ['an unknown type', { type: 'date' }, 'settings.json_schema.type'],
    ['a place without any rule', { type: 'array', items: {} }, 'settings.json_schema.items'],
    ['a count beyond measure', { type: 'string', maxLength: 1e9 }, 'settings.json_schema.maxLength'],
    ['an enum of objects', { enum: [{}] }, 'settings.json_schema.enum'],
    ['schemas that are none', { type: 'object', properties: { a: 1 } }, 'settings.json_schema.properties.a'],
    ['a schema beyond all length', { enum: ['x'.repeat(70_000)] }, 'settings.json_schema'],
  ])('with %s is refused by name', (_what, schema, field) => {
    expect(() => checkedSchema(schema)).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', details: expect.objectContaining({ field }) }),
    );
  });

  it('nested beyond measure is refused', () => {
    expect(() => checkedSchema(nested(40))).toThrow(/levels deep/);
    expect(checkedSchema(nested(20))).toEqual(nested(20));
  });
});
