import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { loadHandler } from '../../../host/actions/index.ts';
import { ACTIONS } from '../../../host/protocol/actions/index.ts';

const FOLDER = new URL('../../../host/actions/', import.meta.url);

describe('the handlers', () => {
  it.each([...ACTIONS])('%s has a handler for its declaration', async (name, action) => {
    expect(name).toBe(action.declaration.name);
    expect((await loadHandler(action)).declaration).toBe(action.declaration);
  });

  it("are found by the action's name", async () => {
    const exported: unknown[] = [];
    for (const file of readdirSync(FOLDER)) {
      const module: Record<string, unknown> = await import(new URL(file, FOLDER).href);
      exported.push(...Object.values(module).filter(isHandler));
    }
    const found = await Promise.all([...ACTIONS.values()].map(loadHandler));
    expect(new Set(exported)).toEqual(new Set(found));
    expect(exported).toHaveLength(ACTIONS.size);
  });
});

function isHandler(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'declaration' in value && 'run' in value;
}
