import { kill } from 'node:process';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeIfInstalled } from '../../support/describe-unless.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { ATTACK, MODELS, modelId, REPO, rowOf } from '../../support/extension/models.ts';
import type { PageDriver } from '../../support/extension/page-driver.ts';

const LARGE = modelId('large.gguf');
const TICKING = modelId('ticking.gguf');
const HOSTILE = modelId('hostile.gguf');

/** Stalls downloads after some bytes of each response, until the fault is cleared. */
const STALL = { kind: 'stall', after: 1_000_000, match: ({ server }: { server: string }) => server === 'cdn' } as const;

for (const kind of BROWSERS) {
  describeIfInstalled(`the extension in ${kind.name}`, kind.programs, (program) => {
    let fixture: BrowserFixture;
    beforeEach(async () => {
      fixture = await BrowserFixture.open(kind, program, { repos: { [REPO]: { files: MODELS } } });
    });
    afterEach(() => fixture.close());

    /** Saves a screenshot and checks accessibility. */
    async function capture(page: PageDriver, name: string): Promise<void> {
      await page.saveScreenshot(`${kind.name}-${name}`);
      expect(await page.accessibilityViolations()).toEqual([]);
    }

    /** Opens a page with an installed host and models in its list. */
    async function openPage(path: string, ...models: string[]): Promise<PageDriver> {
      fixture.install();
      const page = await fixture.page(path);
      for (const id of models) await page.request('ADD_MODEL_TO_LIST', { model: { id } });
      for (const id of models) await page.waitForElement(rowOf(id));
      return page;
    }

    it('shows how to install a missing host, and continues once it is installed', async () => {
      const page = await fixture.page('popup.html');
      expect(await page.waitForText('section', 'not installed')).toContain('tabagent-host install');
      await capture(page, 'light-no-host');
      fixture.install();
      // The page also retries automatically, so the button may have disappeared.
      await page.evaluate(`document.querySelector('section .foot button')?.click()`);
      await page.waitForText('header', 'Connected');
      await page.waitForElement(rowOf('Qwen/Qwen2.5-1.5B-Instruct-GGUF/qwen2.5-1.5b-instruct-q4_k_m.gguf'));
      await page.waitFor(`document.querySelector('section') === null`);
      await capture(page, 'light-models');
    });

    it('welcomes a new user, explains what is stored where, and continues once the host is installed', async () => {
      const page = await fixture.page('welcome.html');
      expect(await page.waitForText('main', 'not installed')).toContain('Conversations are stored on this computer');
      await capture(page, 'light-welcome-no-host');
      fixture.install();
      // No click: the worker retries automatically.
      await page.waitForText('[data-ready]', 'The TabAgent host is running');
      await capture(page, 'light-welcome');
      // The extension opened this page in another tab when it was installed.
      await page.waitFor(
        `chrome.extension.getViews({ type: 'tab' }).some((view) => view !== window && view.location.pathname === '/welcome.html')`,
      );
    });

    it('shows whether a model fits before its download, and can pause, resume and cancel it', async () => {
      const page = await openPage('popup.html', LARGE);
      fixture.hub.fault(STALL);
      await page.fill('input[type=search]', 'large markov');
      await page.click(`${rowOf(LARGE)} .actions button`);
      expect(await page.waitForText('dialog .fit', 'Fits')).toContain('Memory');
      await capture(page, 'light-before-download');
      await page.click('dialog footer button');
      await page.waitForText(rowOf(LARGE, 'downloading'), ' of 14 MB');
      await page.waitFor(`document.querySelector('[role=progressbar]').ariaValueNow > 0`);
      await capture(page, 'light-downloading');

      await page.click(`${rowOf(LARGE, 'downloading')} .actions button:first-child`);
      await page.waitForText(rowOf(LARGE, 'paused'), 'Paused');
      await capture(page, 'light-paused');
      await page.click(`${rowOf(LARGE, 'paused')} .actions button:last-child`);
      await page.waitForText('[role=alertdialog]', 'downloaded so far will be deleted');
      await capture(page, 'light-confirm-cancel');
      await page.click('[role=alertdialog] .danger');
      await page.waitForElement(rowOf(LARGE, 'available'));

      await page.click(`${rowOf(LARGE)} .actions button`);
      await page.click('dialog footer button');
      await page.waitForElement(rowOf(LARGE, 'downloading'));
      await page.click(`${rowOf(LARGE, 'downloading')} .actions button:first-child`);
      await page.waitForElement(rowOf(LARGE, 'paused'));
      fixture.hub.clearFaults();
      await page.click(`${rowOf(LARGE, 'paused')} .actions button:first-child`);
      await page.waitForElement(rowOf(LARGE, 'downloaded'));
    });

    it('loads a model, shows its memory, and unloads it', async () => {
      const page = await openPage('popup.html', TICKING);
      await page.fill('input[type=search]', 'ticking');
      await page.click(`${rowOf(TICKING)} .actions button`);
      await page.click('dialog footer .primary');
      expect(await page.waitForText(rowOf(TICKING, 'loaded'), 'Active')).toContain('memory');
      await page.waitFor(`document.querySelector('[data-memory] [role=meter]').ariaLabel.includes('by models')`);
      await capture(page, 'light-loaded');
      await page.click(`${rowOf(TICKING, 'loaded')} .actions button`);
      await page.waitForElement(rowOf(TICKING, 'downloaded'));
    });

    it('shows every view in dark mode', async () => {
      fixture.install();
      const popup = await fixture.page('popup.html', { dark: true });
      await popup.request('LOAD_MODEL', { modelPath: TICKING, settings: { n_threads: 1 } });
      await popup.waitForElement(rowOf(TICKING, 'loaded'));
      await capture(popup, 'dark-models');
      await popup.click('#tab-machine');
      await popup.waitForText('.machine', 'Processor');
      await capture(popup, 'dark-machine');
      const settings = await fixture.page('options.html');
      await settings.waitForText('main', 'Temperature');
      await capture(settings, 'dark-settings');
      const chat = await fixture.page('sidepanel.html');
      await chat.fill('textarea', 'What does a clock say?');
      await chat.click('form [type=submit]');
      await chat.waitForText('.answer', 'tick tock tick');
      await chat.click('form .box button');
      await chat.waitForElement('form button[type=submit]');
      await capture(chat, 'dark-chat');
      const background = 'getComputedStyle(document.documentElement).backgroundColor';
      expect(await chat.evaluate(background)).toBe('rgb(20, 21, 28)');
    });

    it('shows disk usage, previews what can be removed, and removes models that are not pinned', async () => {
      fixture.install();
      const page = await fixture.page('options.html');
      for (const id of [LARGE, TICKING]) await page.request('DOWNLOAD_MODEL', { modelPath: id });
      const settings = await fixture.page('options.html');
      await settings.click('details:has(.list) summary');
      await settings.click('.list li:first-child button');
      await settings.waitForElement('.list [aria-pressed=true]');
      await settings.fill('input[type=number]', '0');
      await settings.click('main form:has(input[type=number]) button');
      expect(await settings.waitForText('main', '1 item can be removed')).toContain('Used by models');
      await capture(settings, 'light-storage');
      await settings.click('.danger');
      await settings.waitForText('main', 'Freed up');
      await settings.waitFor(`document.querySelectorAll('.list li').length === 1`);
    });

    it('resumes a download after the host was killed', async () => {
      const page = await openPage('popup.html', LARGE);
      fixture.hub.fault(STALL);
      await page.click(`${rowOf(LARGE)} .actions button`);
      await page.click('dialog footer button');
      await page.waitFor(`document.querySelector('[role=progressbar]').ariaValueNow > 0`);
      const { pid } = (await page.request('PING')) as { pid: number };
      fixture.hub.clearFaults();
      kill(pid, 'SIGKILL');
      await page.waitForText('section', 'is restarting');
      await page.waitForElement(rowOf(LARGE, 'downloaded'));
      expect(((await page.request('PING')) as { pid: number }).pid).not.toBe(pid);
    });

    it('shows which models another program downloads and deletes', async () => {
      const page = await openPage('popup.html', TICKING);
      await fixture.runCommand('pull', TICKING);
      await page.waitForElement(rowOf(TICKING, 'downloaded'));
      await fixture.runCommand('rm', TICKING);
      await page.waitFor(`document.querySelector(${JSON.stringify(rowOf(TICKING, 'downloaded'))}) === null`);
    });

    it('shows changes in all windows', async () => {
      const one = await openPage('popup.html', TICKING);
      const two = await fixture.page('popup.html');
      await one.click(`${rowOf(TICKING)} .actions button`);
      await one.click('dialog footer .primary');
      await two.waitForElement(rowOf(TICKING, 'loaded'));
      await two.click(`${rowOf(TICKING, 'loaded')} .actions button`);
      await one.waitForElement(rowOf(TICKING, 'downloaded'));
    });

    it("shows a model's output as text, and stores the conversation", async () => {
      const page = await openPage('sidepanel.html');
      await page.request('LOAD_MODEL', { modelPath: HOSTILE, settings: { n_threads: 1 } });
      await page.fill('textarea', 'Be hostile.');
      await page.click('form [type=submit]');
      const answer = await page.waitForText('.answer .markdown', 'javascript:alert');
      for (const text of ATTACK) expect(answer).toContain(text);
      expect(await page.evaluate(`document.querySelectorAll('.messages :is(img, script, a)').length`)).toBe(0);
      await capture(page, 'light-chat');
      expect(await page.evaluate('document.title')).not.toBe('owned');

      const again = await fixture.page('sidepanel.html');
      await again.click('header .buttons button');
      await again.waitForElement('.row .open');
      await again.fill('search input[type=search]', 'no such words');
      await again.waitFor(`document.querySelector('.row') === null`);
      await capture(again, 'light-nothing-found');
      await again.fill('search input[type=search]', 'hostile');
      await again.waitForElement('.row .open');
      // The loaded model supports embeddings, so the search is also semantic.
      await again.click('search input[type=checkbox]');
      await again.fill('search input[type=search]', 'unfriendly');
      await again.waitForElement('.row .open');
      await capture(again, 'light-conversations');
      await again.click('.row .open');
      expect(await again.waitForText('.messages', 'javascript:alert')).toContain('Be hostile.');
    });
  });
}
