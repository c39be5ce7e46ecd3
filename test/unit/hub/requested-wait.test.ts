import { describe, expect, it } from '@jest/globals';
import { requestedWaitMs } from '../../../host/hub/requested-wait.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

describe('requestedWaitMs', () => {
  it.each<[string, Record<string, string>, number | undefined]>([
    ['seconds', { 'retry-after': '7' }, 7000],
    ['a fraction', { 'retry-after': ' 0.5 ' }, 500],
    ['a date', { 'retry-after': 'Sun, 01 Mar 2026 12:00:10 GMT' }, 10_000],
    ['a date in the obsolete form', { 'retry-after': 'Sunday, 01-Mar-26 12:00:10 GMT' }, 10_000],
    ['a date that has passed', { 'retry-after': 'Sun, 01 Mar 2026 11:00:00 GMT' }, 0],
    ['ten years', { 'retry-after': '315360000' }, 315_360_000_000],
    ['a negative number', { 'retry-after': '-5' }, undefined],
    ['a malformed number', { 'retry-after': '1e9' }, undefined],
    ['words', { 'retry-after': 'soon' }, undefined],
    ['nothing', { 'retry-after': '' }, undefined],
    ['no header', {}, undefined],
    ['the quota of the hub', { ratelimit: '"resolvers";r=0;t=25' }, 25_000],
    ['the quota in another spelling', { ratelimit: ' "api" ; T=3 ; R=0' }, 3000],
    ['the longest of the used quotas', { ratelimit: '"a";r=0;t=3, "b";r=0;t=9, "c";r=5;t=99' }, 9000],
    ['a quota that is not used up, if no other is', { ratelimit: '"a";r=1;t=4' }, 4000],
    [
      'the window of the policy, if the quota has no time',
      { ratelimit: '"a";r=0', 'ratelimit-policy': '"b";q=1;w=5, "a";q=100;w=60' },
      60_000,
    ],
    ['the form of former drafts', { ratelimit: 'limit=100, remaining=0, reset=50' }, 50_000],
    ['the header of former drafts', { 'ratelimit-reset': '12' }, 12_000],
    ['Retry-After before the quota', { 'retry-after': '2', ratelimit: '"a";r=0;t=25' }, 2000],
    ['the quota if Retry-After says nothing', { 'retry-after': 'never', ratelimit: '"a";r=0;t=25' }, 25_000],
    ['a quota with a negative time', { ratelimit: '"a";r=0;t=-25' }, undefined],
    ['a quota that is garbage', { ratelimit: ';;=,"",t=' }, undefined],
  ])('reads %s', (_what, headers, expected) => expect(requestedWaitMs(headers, NOW)).toBe(expected));
});
