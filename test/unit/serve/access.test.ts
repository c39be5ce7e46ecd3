import { describe, expect, it } from '@jest/globals';
import { isOrigin } from '../../../host/serve/access.ts';

describe('isOrigin', () => {
  it('accepts origins of pages and extensions', () => {
    for (const origin of ['https://example.org', 'http://localhost:3000', 'http://[::1]:8', 'chrome-extension://abc']) {
      expect([origin, isOrigin(origin)]).toEqual([origin, true]);
    }
  });

  it('rejects patterns, paths, and values that browsers do not send', () => {
    for (const text of [
      '*',
      'null',
      'https://*.example.org',
      'https://a/',
      'https://a/b',
      'HTTPS://A',
      'file://',
      'a',
      'https://a,https://b',
    ]) {
      expect([text, isOrigin(text)]).toEqual([text, false]);
    }
  });
});
