import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { chromiumExtensionId, familyOfExtensionId } from '../../../manifests/extension-id.ts';
import { CHROMIUM_EXTENSION_ID, CHROMIUM_PUBLIC_KEY, FIREFOX_ADDON_ID } from '../../../manifests/extension-identity.ts';

describe('the extension’s identity', () => {
  it('derives the ID of the native messaging example in Chrome’s documentation', () => {
    // Chromium, chrome/browser/extensions/native_messaging_apitest: key and id of the sample.
    const key =
      'MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDcBHwzDvyBQ6bDppkIs9MP4ksKqCMyXQ/A52JivHZKh4YO/9vJsT3oaYhSpDCE9RPocOEQvwsHsFReW2nUEc6OLLyoCFFxIb7KkLGsmfakkut/fFdNJYh0xOTbSN8YvLWcqph09XAY2Y/f0AL7vfO1cuCqtkMt8hFrBGWxDdf9CQIDAQAB';
    expect(chromiumExtensionId(key)).toBe('knldjmfmopnpolahpmmgbagdohdnhkik');
  });

  it('has the ID that results from its key', () => {
    expect(chromiumExtensionId(CHROMIUM_PUBLIC_KEY)).toBe(CHROMIUM_EXTENSION_ID);
  });

  it('has only the public part of an RSA key of 2048 bits', () => {
    const key = createPublicKey({ key: Buffer.from(CHROMIUM_PUBLIC_KEY, 'base64'), format: 'der', type: 'spki' });
    expect(key.asymmetricKeyType).toBe('rsa');
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(key.export({ format: 'der', type: 'spki' }).toString('base64')).toBe(CHROMIUM_PUBLIC_KEY);
  });

  it.each([
    [CHROMIUM_EXTENSION_ID, 'chromium'],
    [FIREFOX_ADDON_ID, 'firefox'],
    ['{ec8030f7-c20a-464f-9b0e-13a3a9e97384}', 'firefox'],
    ['abcdefghijklmnopabcdefghijklmnoq', undefined],
    ['abcdefghijklmnop', undefined],
    ['*', undefined],
    ['', undefined],
    [`${CHROMIUM_EXTENSION_ID}/`, undefined],
  ])('detects the family of %j by its format: %s', (id, family) => {
    expect(familyOfExtensionId(id)).toBe(family);
  });
});
