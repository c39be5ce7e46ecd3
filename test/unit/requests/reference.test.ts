import { describe, expect, it } from '@jest/globals';
import { readModelName, readModelQuery } from '../../../host/protocol/model-name.ts';
import { isMatch, isSameReference } from '../../../host/requests/reference.ts';

const model = readModelName({ modelPath: 'Owner/Name/name-Q4_K_M.gguf' });
const query = (modelPath: string) => readModelQuery({ modelPath });

describe('a reference', () => {
  it.each(['Owner/Name', 'owner/name', 'Owner/Name:Q4_K_M', 'owner/name:q4_k_m', 'Owner/Name/name-Q4_K_M.gguf'])(
    'names the model: %s',
    (text) => {
      expect(isMatch(model, query(text))).toBe(true);
    },
  );

  it.each(['Owner/Other', 'Owner/Name@v2', 'Owner/Name:Q8_0', 'Owner/Name/name-q4_k_m.gguf'])(
    'names another model: %s',
    (text) => {
      expect(isMatch(model, query(text))).toBe(false);
    },
  );

  it('is case-insensitive, except for file names', () => {
    expect(isSameReference(query('owner/name:q4_k_m'), query('Owner/Name:Q4_K_M'))).toBe(true);
    expect(isSameReference(query('Owner/Name/a.gguf'), query('Owner/Name/A.gguf'))).toBe(false);
  });
});
