import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { chromiumExtensionId, familyOfExtensionId } from '../../../manifests/extension-id.ts';
import { CHROMIUM_EXTENSION_ID, CHROMIUM_PUBLIC_KEY, FIREFOX_ADDON_ID } from '../../../manifests/extension-identity.ts';

describe('the extension’s identity', () => {
  it('derives the id Chrome’s documentation gives its native-messaging sample', () => {
    // Chromium, chrome/browser/extensions/native_messaging_apitest: key and id of the sample.
    const key =
      'MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDcBHwzDvyBQ6bDppkIs9MP4ksKqCMyXQ/A52JivHZKh4YO/9vJsT3oaYhSpDCE9RPocOEQvwsHsFReW2nUEc6OLLyoCFFxIb7KkLGsmfakkut/fFdNJYh0xOTbSN8YvLWcqph09XAY2Y/f0AL7vfO1cuCqtkMt8hFrBGWxDdf9CQIDAQAB';
    expect(chromiumExtensionId(key)).toBe('knldjmfmopnpolahpmmgbagdohdnhkik');
  });

  it('has the id that follows from its key', () => {
    expect(chromiumExtensionId(CHROMIUM_PUBLIC_KEY)).toBe(CHROMIUM_EXTENSION_ID);
  });

  it('has an RSA key of 2048 bits, and the public half only', () => {
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
  ])('knows the family of %j by its form: %s', (id, family) => {
    expect(familyOfExtensionId(id)).toBe(family);
  });
});
