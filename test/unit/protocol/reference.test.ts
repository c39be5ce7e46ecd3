import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { REQUEST_SCHEMAS } from '../../../host/protocol/actions/requests.ts';
import { reference } from '../../../installers/docs/reference.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

describe('the reference', () => {
  const written = readFileSync(new URL('../../../host/protocol/REFERENCE.md', import.meta.url), 'utf8');

  it('is what the schemas say now (if not: npm run docs)', () => {
    expect(written).toBe(reference(ROOT));
  });

  it('has a section for every action, with its fields and their comments', () => {
    for (const action of Object.keys(REQUEST_SCHEMAS)) expect(written).toContain(`\n### ${action}\n`);
    expect(written).toContain('| `settings.stop` (optional) |');
    expect(written).toContain('Texts that end the generation; they are not part of the output.');
  });
});
