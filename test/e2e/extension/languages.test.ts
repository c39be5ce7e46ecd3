import { existsSync, readFileSync } from 'node:fs';
import { afterEach, expect, it } from '@jest/globals';
import { describeUnless } from '../../support/describe-unless.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { MODELS, modelId, REPO, rowOf } from '../../support/extension/models.ts';
import { findProgram } from '../../support/find-program.ts';

const LOCALES = new URL('../../../extension/public/_locales/', import.meta.url);

/** The string of a key in a language. */
function text(language: string, key: string): string {
  return JSON.parse(readFileSync(new URL(`${language}/messages.json`, LOCALES), 'utf8'))[key].message;
}

/** Where packages install Chromium's locales. Debian has a separate package for them. */
const LANGUAGES = ['chromium', 'chromium-browser'].map((name) => `/usr/lib/${name}/locales/he.pak`);

// Firefox supports only installed language packs.
const [kind] = BROWSERS.filter(({ name }) => name === 'chromium');
const program = findProgram(...(kind?.programs ?? []));
const missing =
  program === undefined
    ? 'Chromium is not installed'
    : LANGUAGES.some((path) => existsSync(path))
      ? undefined
      : 'the languages of Chromium are not installed (chromium-l10n)';

describeUnless('the languages of the extension', missing, () => {
  let fixture: BrowserFixture | undefined;
  afterEach(() => fixture?.close());

  it.each([
    ['de', 'ltr'],
    ['he', 'rtl'],
  ])(
    'include %s: every view is translated, in the right direction, and nothing is cut off',
    async (language, direction) => {
      if (kind === undefined || program === undefined) throw new Error('Chromium is missing');
      const repos = { [REPO]: { files: MODELS } };
      fixture = await BrowserFixture.open(kind, program, { repos }, { LANGUAGE: language });
      fixture.install();
      for (const [path, key] of [
        ['popup.html', 'connected'],
        ['sidepanel.html', 'chatNeedsLoad'],
        ['options.html', 'storageHelp'],
        ['welcome.html', 'welcomeTitle'],
      ] as const) {
        const page = await fixture.page(path);
        await page.waitForText('body', text(language, key));
        if (path === 'popup.html') {
          await page.request('DOWNLOAD_MODEL', { modelPath: modelId('story.gguf') });
          await page.waitForElement(rowOf(modelId('story.gguf'), 'downloaded'));
        }
        expect(await page.evaluate('getComputedStyle(document.body).direction')).toBe(direction);
        const overflow = 'document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth';
        expect(await page.evaluate(overflow)).toBe(0);
        await page.saveScreenshot(`chromium-${language}-${path.replace('.html', '')}`);
        expect(await page.accessibilityViolations()).toEqual([]);
      }
    },
  );
});
