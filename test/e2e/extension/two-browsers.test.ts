import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeIfInstalled } from '../../support/describe-unless.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { MODELS, modelId, REPO } from '../../support/extension/models.ts';
import type { PageDriver } from '../../support/extension/page-driver.ts';
import { findProgram } from '../../support/find-program.ts';

const STORY = modelId('story.gguf');

const [CHROMIUM, FIREFOX] = BROWSERS;
const firefox = findProgram(...(FIREFOX?.programs ?? []));
const programs = firefox === undefined ? FIREFOX?.programs : CHROMIUM?.programs;

describeIfInstalled('Chromium and Firefox with one data folder', programs ?? [], (chromium) => {
  let one: BrowserFixture;
  let two: BrowserFixture;
  beforeEach(async () => {
    if (CHROMIUM === undefined || FIREFOX === undefined || firefox === undefined)
      throw new Error('A browser is missing');
    one = await BrowserFixture.open(CHROMIUM, chromium, { repos: { [REPO]: { files: MODELS } } });
    two = await one.alongside(FIREFOX, firefox);
    one.install();
    two.install();
  });
  afterEach(() => one.close());

  async function open(browser: BrowserFixture, path: string): Promise<PageDriver> {
    const page = await browser.page(path);
    await page.waitForText('header', 'Connected');
    return page;
  }

  async function load(page: PageDriver): Promise<void> {
    await page.request('LOAD_MODEL', { modelPath: STORY, settings: { n_threads: 1, n_ctx: 512 } });
  }

  async function ask(page: PageDriver, question: string): Promise<void> {
    await page.fill('.composer textarea', question);
    await page.click('.composer [type=submit]');
    await page.waitForText('.messages', question);
    await page.waitForElement('.answer [aria-label="Retry"]');
    await page.waitForElement('.composer [type=submit]');
  }

  it('shows in one what the other changes: messages, a title, a deletion', async () => {
    const [left, right] = [await open(one, 'sidepanel.html'), await open(two, 'sidepanel.html')];
    await load(left);
    await ask(left, 'Tell a story.');
    await right.click('header [aria-label="Conversations"]');
    await right.waitForText('.row .open', 'Tell a story.');
    await right.click('.row .open');
    await right.waitForText('.messages .answer');
    await ask(left, 'And another one.');
    await right.waitForText('.messages', 'And another one.');
    await right.waitFor(`document.querySelectorAll('.answer [aria-label="Copy answer"]').length === 2`);

    const { conversations } = (await right.request('LIST_CONVERSATIONS')) as { conversations: { id: string }[] };
    const { id } = conversations[0] ?? {};
    await right.request('UPDATE_CONVERSATION', { id, title: 'Two stories' });
    await left.waitForText('.bar', 'Two stories');
    const { messages } = (await right.request('GET_CONVERSATION', { id })) as { messages: { id: string }[] };
    await right.request('DELETE_MESSAGES', { id, message_ids: messages.slice(2).map((message) => message.id) });
    await left.waitFor(`document.querySelectorAll('.question').length === 1`);
  });

  it('shows in an open popup which model the other has loaded, and uses it without loading it again', async () => {
    const [left, right] = [await open(one, 'popup.html'), await open(two, 'popup.html')];
    const chip = `[data-model="${STORY}"] [title^="Another browser"]`;
    await right.waitForElement('[data-model]');
    await load(left);
    await right.waitForText(chip, 'Loaded elsewhere');
    await right.saveScreenshot('firefox-light-loaded-elsewhere');
    const loaded = (await right.request('LOAD_MODEL', { modelPath: STORY })) as { host?: { pid: number } };
    const { pid } = (await left.request('PING')) as { pid: number };
    expect(loaded.host?.pid).toBe(pid);
    await right.waitForText(`[data-model="${STORY}"][data-stage=loaded]`, 'Active');
    await left.request('UNLOAD_MODEL', { modelPath: STORY });
    await right.waitForElement(`[data-model="${STORY}"][data-stage=downloaded]`);
    await right.waitFor(`document.querySelector(${JSON.stringify(chip)}) === null`);
  });
});
