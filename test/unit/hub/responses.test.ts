import { describe, expect, it } from '@jest/globals';
import { checkedSize, checksumOf, fileMetadata } from '../../../host/hub/file-info.ts';
import { HubError } from '../../../host/hub/hub-error.ts';
import { refusalOf } from '../../../host/hub/refusal.ts';
import { responseError } from '../../../host/hub/response-errors.ts';
import { pauseBefore, retry } from '../../../host/hub/retry.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';

const SHA256 = 'AB'.repeat(32);
const name = readModelName({ modelPath: 'maker/model', modelFile: 'a.gguf' });
const subject = { name, file: 'a.gguf', endpoint: 'https://hub.example' };

describe('fileFacts', () => {
  it.each<[string, number, Record<string, string>, object]>([
    [
      'takes tag and size of the linked file from a redirect',
      302,
      { 'x-linked-etag': `"${SHA256}"`, 'x-linked-size': '7', etag: '"other"', 'content-length': '99' },
      { size: 7, etag: SHA256, checksum: { algorithm: 'sha256', hex: SHA256.toLowerCase() } },
    ],
    ['takes no size from a redirect without a linked size', 302, { 'content-length': '99' }, { size: undefined }],
    [
      'takes length and tag from a success response',
      200,
      { 'content-length': '12', etag: 'W/"x"' },
      { size: 12, etag: 'x' },
    ],
    [
      'takes the total size from a range response',
      206,
      { 'content-range': 'bytes 0-0/1234', 'content-length': '1' },
      { size: 1234 },
    ],
    [
      'takes no size from a range response without a total',
      206,
      { 'content-range': 'bytes 0-0/*' },
      { size: undefined },
    ],
    ['does not believe that a file is empty', 200, { 'content-length': '0' }, { size: undefined }],
    ['accepts a commit hash', 200, { 'x-repo-commit': 'ab'.repeat(20) }, { commit: 'ab'.repeat(20) }],
    ['rejects a commit that is not a hash', 200, { 'x-repo-commit': '../../main' }, { commit: null }],
  ])('%s', (_what, status, headers, facts) => expect(fileMetadata({ status, headers })).toMatchObject(facts));

  it.each(['-1', '1.5', '1e3', 'NaN', '0x10', '99999999999999999999', '', ' 5'])('rejects the size "%s"', (size) =>
    expect(() => checkedSize(size)).toThrow(expect.objectContaining({ code: 'HUB_ERROR' })),
  );

  it.each(['', 'ab', 'g'.repeat(64), `${SHA256}0`, 'd41d8cd98f00b204e9800998ecf8427e-12'])(
    'does not take the tag "%s" for a checksum',
    (tag) => expect(checksumOf(tag)).toBeUndefined(),
  );
});

describe('refusal', () => {
  it.each([
    [401, { 'x-error-code': 'GatedRepo' }, 'GATED_REPO', false],
    [403, { 'x-error-code': 'GatedRepo' }, 'GATED_REPO', false],
    [401, { 'x-error-code': 'RepoNotFound' }, 'REPO_NOT_FOUND', false],
    [404, { 'x-error-code': 'RevisionNotFound' }, 'REVISION_NOT_FOUND', false],
    [404, { 'x-error-code': 'EntryNotFound' }, 'FILE_NOT_FOUND', false],
    [404, {}, 'FILE_NOT_FOUND', false],
    [401, {}, 'UNAUTHORIZED', false],
    [403, { 'x-error-code': 'Something' }, 'UNAUTHORIZED', false],
    [400, {}, 'HUB_ERROR', false],
    [418, {}, 'HUB_ERROR', false],
    [408, {}, 'HUB_ERROR', true],
    [429, {}, 'RATE_LIMITED', true],
    [500, {}, 'HUB_ERROR', true],
    [503, { 'retry-after': '3' }, 'HUB_ERROR', true],
    [503, { 'retry-after': '3600' }, 'HUB_ERROR', true],
    [503, { 'retry-after': '3601' }, 'HUB_ERROR', false],
  ])('converts status %d with %j to %s (transient: %s)', (status, headers, code, transient) =>
    expect(responseError(refusalOf(status, headers), subject)).toMatchObject({ code, transient }),
  );

  it('names the page on which to request access to a gated repository', () =>
    expect(responseError(refusalOf(403, { 'x-error-code': 'GatedRepo' }), subject)).toMatchObject({
      message: expect.stringMatching(/https:\/\/hub\.example\/maker\/model.*access token/),
      details: { accessPage: 'https://hub.example/maker/model' },
    }));

  it('reads Retry-After as seconds or as a date', () => {
    expect(responseError(refusalOf(429, { 'retry-after': '7' }), subject).retryAfterMs).toBe(7000);
    const inTenSeconds = new Date(Date.now() + 10_000).toUTCString();
    const { retryAfterMs = 0 } = responseError(refusalOf(429, { 'retry-after': inTenSeconds }), subject);
    expect(retryAfterMs).toBeGreaterThan(5000);
    expect(retryAfterMs).toBeLessThanOrEqual(10_000);
    expect(responseError(refusalOf(429, { 'retry-after': new Date(0).toUTCString() }), subject).retryAfterMs).toBe(0);
    expect(responseError(refusalOf(429, { 'retry-after': 'soon' }), subject).retryAfterMs).toBeUndefined();
  });
});

describe('retry', () => {
  const limits = { maxAttempts: 4, retryBaseMs: 0 };
  const transient = () => new HubError('HUB_UNREACHABLE', 'interrupted', { transient: true });

  it('tries until the work succeeds', async () => {
    let tries = 0;
    const work = async () => {
      tries += 1;
      if (tries < 4) throw transient();
      return tries;
    };
    expect(await retry(work, limits)).toBe(4);
  });

  it('stops with the last error after the allowed number of attempts, at a permanent error, and when aborted', async () => {
    let tries = 0;
    const failing = (fault: () => Error) => async () => {
      tries += 1;
      throw fault();
    };
    await expect(retry(failing(transient), limits)).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' });
    expect(tries).toBe(4);
    await expect(
      retry(
        failing(() => new HubError('GATED_REPO', 'no')),
        limits,
      ),
    ).rejects.toThrow('no');
    expect(tries).toBe(5);
    const signal = AbortSignal.abort(new Error('aborted'));
    await expect(retry(failing(transient), limits, { signal })).rejects.toThrow('aborted');
    expect(tries).toBe(5);
  });

  it('ends when its time is up, without counting pauses that the server asks for', async () => {
    let tries = 0;
    const pauses: unknown[] = [];
    const error = (ms: number) => new HubError('HUB_UNREACHABLE', `not within ${ms} ms`);
    const silence = async (signal: AbortSignal | undefined) => {
      tries += 1;
      if (tries === 1) throw new HubError('RATE_LIMITED', 'later', { transient: true, retryAfterMs: 1000 });
      return new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    };
    const onPause = (pause: unknown) => pauses.push(pause);
    await expect(retry(silence, limits, { onPause, limit: { ms: 500, error } })).rejects.toThrow('not within 500 ms');
    expect(tries).toBe(2);
    expect(pauses).toMatchObject([{ reason: 'requested' }, undefined]);
    const user = new AbortController();
    const cancelled = retry(silence, limits, { signal: user.signal, limit: { ms: 60_000, error } });
    user.abort(new Error('cancelled'));
    await expect(cancelled).rejects.toThrow('cancelled');
  });

  it('waits as long as the hub requires, and otherwise longer with each attempt, at most 15 s', () => {
    const rateLimited = new HubError('RATE_LIMITED', 'later', { transient: true, retryAfterMs: 4321 });
    expect(pauseBefore(0, rateLimited, { retryBaseMs: 100 })).toBe(4321);
    for (const attempt of [0, 1, 5, 50]) {
      const longest = Math.min(15_000, 100 * 2 ** attempt);
      for (let n = 0; n < 100; n += 1) {
        const pause = pauseBefore(attempt, transient(), { retryBaseMs: 100 });
        expect(pause >= 0 && pause <= longest).toBe(true);
      }
    }
  });
});
