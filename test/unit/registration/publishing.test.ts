import { describe, expect, it, jest } from '@jest/globals';
import { callerOf, isOwnExtension } from '../../../host/configuration/caller.ts';
import { familyOfExtensionId } from '../../../manifests/extension-id.ts';
import { CHROMIUM_EXTENSION_ID, CHROMIUM_EXTENSION_IDS } from '../../../manifests/extension-identity.ts';
import publishing from '../../../manifests/publishing.json' with { type: 'json' };

const STORE_ID = 'abcdefghijklmnopabcdefghijklmnop';

describe('the settings of published builds', () => {
  it('contain IDs and a URL that browsers accept', () => {
    for (const id of CHROMIUM_EXTENSION_IDS) expect(familyOfExtensionId(id)).toBe('chromium');
    expect(publishing.hostDownloadUrl).toMatch(/^$|^https:\/\/[^\s"'\\]+$/);
  });

  it('allow the extension from a store in addition to the development build', async () => {
    jest.resetModules();
    jest.unstable_mockModule('../../../manifests/publishing.json', () => ({
      default: { chromiumStoreIds: [STORE_ID], hostDownloadUrl: '' },
    }));
    const { isOwnExtension: isOwn } = await import('../../../host/configuration/caller.ts');
    for (const id of [STORE_ID, CHROMIUM_EXTENSION_ID]) {
      expect(isOwn(callerOf([`chrome-extension://${id}/`]) ?? { extensionId: undefined })).toBe(true);
    }
    expect(isOwn({ extensionId: STORE_ID.replace('a', 'b') })).toBe(false);
    expect(isOwnExtension({ extensionId: STORE_ID })).toBe(false);
  });
});
