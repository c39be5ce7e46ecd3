import { describe, expect, it } from '@jest/globals';
import { browserName } from '../../../extension/worker/browser-name.ts';

const brands = (...names: string[]) => names.map((brand) => ({ brand, version: '156' }));

describe('the name of the browser', () => {
  it.each([
    [brands('Chromium', 'Not/A)Brand'), 'Chromium'],
    [brands('Not_A Brand', 'Google Chrome', 'Chromium'), 'Google Chrome'],
    [brands(' Not;A Brand', 'Chromium', 'Microsoft Edge'), 'Microsoft Edge'],
    [brands('Not A(Brand', 'Brave', 'Chromium'), 'Brave'],
    [brands(), 'Chromium'],
    [brands('Chromium', 'x'.repeat(100)), 'x'.repeat(64)],
    [undefined, 'Firefox'],
  ])('is that of the product', (listed, name) => expect(browserName(listed)).toBe(name));
});
