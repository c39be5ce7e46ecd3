import { describe, expect, it } from '@jest/globals';
import { RequestError } from '../../../extension/host-connection.ts';
import { BackOff } from '../../../extension/worker/back-off.ts';
import { problemOfDisconnect, problemOfError } from '../../../extension/worker/host-problem.ts';
import { longTaskOf } from '../../../extension/worker/long-tasks.ts';
import { isOwnPage } from '../../../extension/worker/page-sender.ts';

describe('the reason for a lost port', () => {
  it.each([
    ['Specified native messaging host not found.', 'notInstalled'],
    ['No such native application com.tabagent.host', 'notInstalled'],
    ['Access to the specified native messaging host is forbidden.', 'forbidden'],
    ['Error when communicating with the native messaging host.', 'notStarting'],
    ['Failed to start native messaging host.', 'notStarting'],
    ['An unexpected error occurred', 'notStarting'],
    ['Native application tried to send a message of 2 bytes, which exceeds the limit of 1 bytes.', 'notStarting'],
    ['Native host has exited.', 'stopped'],
    [undefined, 'stopped'],
  ])('%s: %s', (reason, kind) => {
    expect(problemOfDisconnect(reason)).toEqual({ kind, reason: reason ?? '' });
  });

  it("is taken from the host's rejection", () => {
    const message = 'Not allowed.';
    expect(problemOfError(new RequestError('ORIGIN_NOT_ALLOWED', message))).toEqual({
      kind: 'forbidden',
      reason: message,
    });
    expect(problemOfError(new RequestError('CONFIG_UNUSABLE', message))).toEqual({
      kind: 'misconfigured',
      reason: message,
    });
    expect(problemOfError(new RequestError('HOST_DISCONNECTED', 'Native host has exited.')).kind).toBe('stopped');
  });
});

describe('the delays between attempts', () => {
  it('double up to eight seconds, and start again after a stable connection or when the user retries', () => {
    let now = 0;
    const backOff = new BackOff(() => now);
    expect(Array.from({ length: 7 }, () => backOff.lost())).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
    backOff.connected();
    now += 1_000;
    expect(backOff.lost()).toBe(8_000);
    backOff.connected();
    now += 10_000;
    expect(backOff.lost()).toBe(500);
    expect(backOff.lost()).toBe(1_000);
    backOff.reset();
    expect(backOff.lost()).toBe(500);
  });
});

describe('a sender that may connect to the worker', () => {
  const own = { id: 'abc', base: 'chrome-extension://abc/' };
  it.each([
    ['a page of ours', { id: 'abc', url: 'chrome-extension://abc/popup.html' }, true],
    ['another extension', { id: 'xyz', url: 'chrome-extension://xyz/popup.html' }, false],
    ['a web page', { id: 'abc', url: 'https://example.com/' }, false],
    ['a web page that looks alike', { id: 'abc', url: 'https://example.com/chrome-extension://abc/' }, false],
    ['something without an address', { id: 'abc' }, false],
    ['nobody', undefined, false],
  ])('%s', (_who, sender, may) => {
    expect(isOwnPage(sender, own)).toBe(may);
  });
});

describe('the end of a download or a load', () => {
  const fields = { modelPath: 'owner/repo/small-Q4_K_M.gguf' };
  const end = (ms: number, errorCode?: string) => ({ ms, errorCode });

  it.each([
    ['DOWNLOAD_MODEL', end(60_000), 'notifyDownloaded'],
    ['DOWNLOAD_MODEL', end(60_000, 'DISK_FULL'), 'notifyDownloadFailed'],
    ['LOAD_MODEL', end(60_000), 'notifyLoaded'],
  ] as const)('is reported after a minute: %s %j', (action, result, message) => {
    expect(longTaskOf(action, fields, result)).toEqual({ message, name: 'small-Q4_K_M' });
  });

  it.each([
    ['a short one', 'DOWNLOAD_MODEL', end(19_999)],
    ['one that the user paused', 'DOWNLOAD_MODEL', end(60_000, 'DOWNLOAD_PAUSED')],
    ['one that is restarted', 'DOWNLOAD_MODEL', end(60_000, 'HOST_DISCONNECTED')],
    ['a load that failed', 'LOAD_MODEL', end(60_000, 'MODEL_REJECTED')],
    ['an answer', 'GENERATE', end(60_000)],
  ] as const)('is not reported for %s', (_what, action, result) => {
    expect(longTaskOf(action, fields, result)).toBeUndefined();
  });
});
