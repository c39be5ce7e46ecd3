import { describe, expect, it } from '@jest/globals';
import { VERSION } from '../../../host/common/version.ts';
import { OLDEST_CLIENT, OLDEST_HOST, outdated, updateAdvice } from '../../../host/protocol/versions.ts';

describe('versions of host and extension', () => {
  it.each<[string, Parameters<typeof outdated>[0], ReturnType<typeof outdated>]>([
    ['of the same age', { host: '1.2.3', oldestClient: '1.2.3', client: '1.2.3', oldestHost: '1.2.3' }, undefined],
    ['an older client', { host: '1.0.0', oldestClient: '0.9.10', client: '0.9.9' }, 'client'],
    ['a client that is old enough', { host: '1.0.0', oldestClient: '0.9.9', client: '0.9.10' }, undefined],
    ['an older host', { host: '0.9.9', client: '2.0.0', oldestHost: '1.0.0' }, 'host'],
    [
      'two that both want newer ones',
      { host: '1.0.0', oldestClient: '3.0.0', client: '2.0.0', oldestHost: '2.0.0' },
      'host',
    ],
    ['a client that says nothing', { host: '1.0.0', oldestClient: '1.0.0' }, undefined],
    ['a client of nonsense', { host: '1.0.0', oldestClient: '1.0.0', client: 'newest' }, undefined],
    ['an extension with a fourth number', { host: '1.0.0', oldestClient: '1.0.0', client: '0.9.9.7' }, 'client'],
  ])('%s', (_what, versions, which) => {
    expect(outdated(versions)).toBe(which);
    if (which !== undefined)
      expect(updateAdvice(which, versions)).toContain(`Update the ${which === 'host' ? 'host' : 'extension'}.`);
  });

  it('are compatible as they are', () => {
    expect(
      outdated({ host: VERSION, oldestClient: OLDEST_CLIENT, client: VERSION, oldestHost: OLDEST_HOST }),
    ).toBeUndefined();
  });
});
