import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from '@jest/globals';
import { describeWith } from '../../support/describe-where.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { MODELS, modelId, REPO, rowOf } from '../../support/extension/models.ts';

const LOCALES = new URL('../../../extension/public/_locales/', import.meta.url);

/** The string of a key in a language. */
function text(language: string, key: string): string {
  return JSON.parse(readFileSync(new URL(`${language}/messages.json`, LOCALES), 'utf8'))[key].message;
}

// Firefox speaks the languages of the packages installed for it; Chromium has all of them.
for (const kind of BROWSERS.filter(({ name }) => name === 'chromium')) {
  describeWith(`the languages in ${kind.name}`, kind.programs, (program) => {
    let fixture: BrowserFixture | undefined;
    afterEach(() => fixture?.close());

    it.each([
      ['de', 'ltr'],
      ['he', 'rtl'],
    ])('include %s: every view in it, in its direction, without anything cut off', async (language, direction) => {
      fixture = await BrowserFixture.open(
        kind,
        program,
        { repos: { [REPO]: { files: MODELS } } },
        { LANGUAGE: language },
      );
      fixture.install();
      for (const [path, shown] of [
        ['popup.html', 'connected'],
        ['sidepanel.html', 'askAnything'],
        ['options.html', 'storageHelp'],
        ['welcome.html', 'welcomeTitle'],
      ] as const) {
        const page = await fixture.page(path);
        await page.waitFor(
          `[document.body.innerText, ...[...document.querySelectorAll('[placeholder]')].map(({ placeholder }) => placeholder)].join().includes(${JSON.stringify(text(language, shown))})`,
        );
        if (path === 'popup.html') {
          await page.ask('DOWNLOAD_MODEL', { modelPath: modelId('story.gguf') });
          await page.waitForElement(rowOf(modelId('story.gguf'), 'downloaded'));
        }
        expect(await page.evaluate('getComputedStyle(document.body).direction')).toBe(direction);
        expect(
          await page.evaluate('document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth'),
        ).toBe(0);
        await page.saveScreenshot(`${kind.name}-${language}-${path.replace('.html', '')}`);
        expect(await page.accessibilityViolations()).toEqual([]);
      }
    });
  });
}
