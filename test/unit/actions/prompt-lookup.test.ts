import { describe, expect, it } from '@jest/globals';
import { generateRequest } from '../../../host/actions/generate-request.ts';
import { DEFAULT_PARAMS } from '../../../host/settings/generation-settings.ts';

function lookupTokens(settings: Record<string, unknown>): number | undefined {
  return generateRequest({ prompt: 'Once', settings }, DEFAULT_PARAMS).lookupTokens;
}

describe('the number of tokens predicted at a time', () => {
  it.each([{}, { do_sample: false }, { do_sample: true, seed: 1 }])('is 0 with the settings %j', (settings) => {
    expect(lookupTokens(settings)).toBe(0);
  });

  it.each([0, 12])('is what the request says: %j', (count) => {
    expect(lookupTokens({ do_sample: true, seed: 1, prompt_lookup_num_tokens: count })).toBe(count);
  });
});
