import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ACTIONS } from '../../../host/protocol/actions/index.ts';
import * as events from '../../../host/protocol/events.ts';
import type { Schema } from '../../../host/protocol/fields.ts';
import { type Field, fieldsOf } from '../../../installers/docs/describe-schema.ts';
import { reference } from '../../../installers/docs/reference.ts';

/** Returns the paths of fields without a description. */
function undescribed(fields: readonly Field[], prefix: string): string[] {
  return fields.flatMap(({ name, description, fields }) => [
    ...(description === '' ? [`${prefix}.${name}`] : []),
    ...undescribed(fields, `${prefix}.${name}`),
  ]);
}

const declarations = [...ACTIONS.values()].map(({ declaration }) => declaration);

describe('the reference', () => {
  const written = readFileSync(new URL('../../../host/protocol/REFERENCE.md', import.meta.url), 'utf8');

  it('is up to date (if not: npm run docs)', () => {
    expect(written).toBe(reference());
  });

  it('describes every action with its fields, events and errors', () => {
    const [, section = ''] = /\n### LOAD_MODEL\n([\s\S]*?)\n### /.exec(written) ?? [];
    expect(section).toContain('Loads a model into memory, downloading it first if necessary.');
    expect(section).toContain(
      '| `settings.n_ctx` (optional) | integer, at least 1, at most 16777216 | The context length',
    );
    expect(section).toContain('| `vramUsed` | integer, bytes | Measured GPU memory of the model. |');
    expect(section).toContain('Emits `modelWorkerLoadingProgress`.');
    expect(section).toMatch(/Errors: .*`INSUFFICIENT_MEMORY`/);
  });

  it('lists the actions that emit an event, and states which events replace each other', () => {
    const [, section = ''] = /\n### MODEL_DOWNLOAD_PROGRESS\n([\s\S]*?)\n### /.exec(written) ?? [];
    expect(section).toContain('Emitted by `DOWNLOAD_MODEL`, `PULL_MODEL`, `REPAIR_MODEL`.');
    expect(section).toContain('a new event replaces a queued one');
  });
});

describe('the declarations', () => {
  it.each(declarations.map((declaration) => [declaration.name, declaration] as const))(
    '%s describes every field',
    (name, { request, response, topLevel }) => {
      const schemas: Schema[] = [request, response, ...(typeof topLevel === 'object' ? [topLevel] : [])];
      expect(schemas.flatMap((schema) => undescribed(fieldsOf(schema), name))).toEqual([]);
      expect(fieldsOf(response)).not.toEqual([]);
    },
  );

  it.each(Object.values(events).map((event) => [event.type, event] as const))(
    '%s describes every field',
    (type, event) => {
      expect(undescribed(fieldsOf(event.payload), type)).toEqual([]);
    },
  );

  it('are sentences', () => {
    for (const { summary } of [...declarations, ...Object.values(events)]) expect(summary).toMatch(/^[A-Z].*\.$/);
  });
});
