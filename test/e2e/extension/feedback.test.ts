import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeIfInstalled } from '../../support/describe-unless.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { MODELS, modelId, REPO, rowOf } from '../../support/extension/models.ts';
import type { PageDriver } from '../../support/extension/page-driver.ts';

const LARGE = modelId('large.gguf');
const STORY = modelId('story.gguf');

/** Stalls downloads after some bytes of each response, until the fault is cleared. */
const STALL = { kind: 'stall', after: 1_000_000, match: ({ server }: { server: string }) => server === 'cdn' } as const;

/** Long enough that a stalled download remains stalled during a test. */
const LATE_TIMEOUT = { TABAGENT_STALL_TIMEOUT_MS: '120000' };

/** The focused element, by its accessible name or text. */
const FOCUSED = `(() => {
  const { activeElement } = document;
  return activeElement === document.body ? 'BODY' : activeElement.getAttribute('aria-label') ?? activeElement.innerText.trim();
})()`;

/** Width of a window of 320 pixels at 200 % zoom, CSS pixels. */
const NARROW = 160;

/** Evaluates to the elements that overflow a narrow window, and areas that scroll horizontally. */
const OVERFLOWING = `(() => {
  document.documentElement.style.inlineSize = '${NARROW}px';
  return [...document.querySelectorAll('body *')]
    .filter((element) => element.checkVisibility() && !element.closest('.visually-hidden, .toasts, pre'))
    .filter((element) => {
      const { overflowX, textOverflow } = getComputedStyle(element);
      const isScrolled = overflowX === 'auto' && element.scrollWidth > element.clientWidth + 1;
      const isCut = overflowX === 'hidden' && textOverflow !== 'ellipsis' && element.scrollWidth > element.clientWidth + 1;
      return isScrolled || isCut || element.getBoundingClientRect().right > ${NARROW + 1};
    })
    .map((element) => element.outerHTML.slice(0, 200));
})()`;

for (const kind of BROWSERS) {
  describeIfInstalled(`feedback in ${kind.name}`, kind.programs, (program) => {
    let fixture: BrowserFixture;
    beforeEach(async () => {
      fixture = await BrowserFixture.open(kind, program, { repos: { [REPO]: { files: MODELS } } }, LATE_TIMEOUT);
      fixture.install();
    });
    afterEach(() => fixture.close());

    async function openPopup(look = {}): Promise<PageDriver> {
      const page = await fixture.page('popup.html', look);
      await page.waitForText('header', 'Connected');
      return page;
    }

    it('shows the progress of a download on the toolbar button, and announces each change', async () => {
      const page = await openPopup();
      await page.request('ADD_MODEL_TO_LIST', { model: { id: LARGE } });
      fixture.hub.fault(STALL);
      await page.click(`${rowOf(LARGE)} .actions button`);
      await page.click('dialog footer button');
      await page.waitFor(`document.querySelector('[role=progressbar]').ariaValueNow > 0`);
      await page.waitForText('[data-announcement]', 'Downloading large.');
      await page.waitFor(String.raw`chrome.action.getBadgeText({}).then((text) => /^\d+%$/.test(text))`);
      await page.click(`${rowOf(LARGE, 'downloading')} .actions button:first-child`);
      await page.waitForElement(rowOf(LARGE, 'paused'));
      await page.waitForText('[data-announcement]', 'Download of large paused.');
      await page.waitFor(`chrome.action.getBadgeText({}).then((text) => text === '')`);
    });

    it('reports a download that receives no data', async () => {
      const page = await openPopup();
      await page.request('ADD_MODEL_TO_LIST', { model: { id: LARGE } });
      fixture.hub.fault(STALL);
      await page.click(`${rowOf(LARGE)} .actions button`);
      await page.click('dialog footer button');
      await page.waitForText(rowOf(LARGE, 'downloading'), 'Waiting for data');
      await page.saveScreenshot(`${kind.name}-light-stalled`);
    });

    it('keeps the focus where the user works, even if the focused element is removed', async () => {
      const page = await openPopup();
      await page.request('ADD_MODEL_TO_LIST', { model: { id: STORY } });
      const button = `${rowOf(STORY)} .actions button`;
      await page.waitForElement(button);
      await page.evaluate(`document.querySelector('${button}').focus()`);
      await page.press('Enter');
      await page.waitForElement('dialog[open]');
      await page.evaluate(`document.querySelector('dialog footer button').focus()`);
      await page.press('Enter');
      await page.waitForElement(rowOf(STORY, 'downloaded'));
      await page.waitFor(`document.activeElement.closest('${rowOf(STORY)}') !== null`);

      await page.request('LOAD_MODEL', { modelPath: STORY, settings: { n_threads: 1 } });
      await page.waitForElement(rowOf(STORY, 'loaded'));
      await page.evaluate(`document.querySelector('${rowOf(STORY)} .actions button').focus()`);
      await page.press('Enter');
      await page.waitForElement(rowOf(STORY, 'downloaded'));
      await page.waitFor(`document.activeElement.closest('${rowOf(STORY)}') !== null`);
    });

    it('moves through the popup in visual order with Tab', async () => {
      const page = await openPopup();
      await page.request('DOWNLOAD_MODEL', { modelPath: STORY });
      await page.waitForElement(rowOf(STORY, 'downloaded'));
      await page.evaluate(`document.querySelector('header button').focus()`);
      const order: unknown[] = [await page.evaluate(FOCUSED)];
      for (let step = 0; step < 13; step += 1) {
        await page.press('Tab');
        order.push(await page.evaluate(FOCUSED));
      }
      expect(order).toEqual([
        'Open chat',
        'Settings',
        'Models',
        // The search field and the seven filters are inputs, named by their labels.
        ...Array(8).fill(''),
        'Size',
        'Load story',
        'Actions for story',
      ]);
    });

    it('supports menus and dialogs with the keyboard alone', async () => {
      const page = await openPopup();
      await page.request('DOWNLOAD_MODEL', { modelPath: STORY });
      await page.waitForElement(`${rowOf(STORY)} [aria-haspopup=menu]`);
      await page.evaluate(`document.querySelector('${rowOf(STORY)} [aria-haspopup=menu]').focus()`);
      await page.press('Enter');
      await page.waitFor(`document.activeElement.getAttribute('role') === 'menuitem'`);
      await page.waitFor(`${FOCUSED} === 'Details'`);
      await page.press('ArrowDown');
      await page.waitFor(`${FOCUSED} === 'Check for updates'`);
      await page.press('Escape');
      await page.waitFor(`document.activeElement.matches('[aria-haspopup=menu]')`);
      await page.press('Enter');
      await page.waitFor(`document.activeElement.getAttribute('role') === 'menuitem'`);
      await page.press('Enter');
      await page.waitForElement('dialog[open]');
      await page.press('Escape');
      await page.waitFor(`document.activeElement.closest('${rowOf(STORY)}') !== null`);
    });

    it.each(['popup.html', 'sidepanel.html', 'options.html'])(
      'fits into 320 pixels at 200 %% zoom, without a second scroll bar: %s',
      async (path) => {
        const page = await fixture.page(path);
        await page.waitForText('header', 'Connected');
        await page.request('LOAD_MODEL', { modelPath: STORY, settings: { n_threads: 1 } });
        await page.waitForText('[data-announcement]', 'story loaded.');
        expect(await page.evaluate(OVERFLOWING)).toEqual([]);
        await page.saveScreenshot(`${kind.name}-narrow-${path.replace('.html', '')}`);
        if (path !== 'options.html') {
          await page.evaluate(`document.documentElement.style.inlineSize = ''`);
          expect(await page.evaluate('document.scrollingElement.scrollHeight - innerHeight')).toBeLessThanOrEqual(0);
        }
      },
    );

    it('remains distinguishable in forced colors', async () => {
      const page = await openPopup({ forcedColors: true });
      await page.request('LOAD_MODEL', { modelPath: STORY, settings: { n_threads: 1 } });
      await page.waitForElement(rowOf(STORY, 'loaded'));
      expect(await page.evaluate(`matchMedia('(forced-colors: active)').matches`)).toBe(true);
      await page.click('fieldset label:first-of-type');
      await page.saveScreenshot(`${kind.name}-forced-models`);
      const chat = await fixture.page('sidepanel.html');
      await chat.waitForText('main', 'story');
      await chat.saveScreenshot(`${kind.name}-forced-chat`);
      // Borders or outlines replace background colors in this mode.
      expect(await page.evaluate(`getComputedStyle(document.querySelector('[aria-selected=true]')).outlineStyle`)).toBe(
        'solid',
      );
      expect(await page.evaluate(`getComputedStyle(document.querySelector('.button')).borderStyle`)).toBe('solid');
    });
  });
}
