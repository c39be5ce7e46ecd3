import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeIfInstalled } from '../../support/describe-unless.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { MODELS, modelId, REPO, rowOf } from '../../support/extension/models.ts';
import type { PageDriver } from '../../support/extension/page-driver.ts';

const STORY = modelId('story.gguf');
const GATED = 'acme/gated-gguf';
const TWO_FILES = 'acme/chat-7b-gguf';

const REPOS = {
  [REPO]: { files: MODELS },
  [GATED]: { files: { 'm-Q4_K_M.gguf': MODELS['story.gguf'] }, gated: true },
  [TWO_FILES]: {
    files: { 'chat-7b-Q4_K_M.gguf': MODELS['story.gguf'], 'chat-7b-Q8_0.gguf': MODELS['large.gguf'] },
  },
  'acme/bge-embed-gguf': { files: { 'bge-Q8_0.gguf': MODELS['story.gguf'] } },
  // More than one page of results.
  ...Object.fromEntries(
    Array.from({ length: 25 }, (_, index) => [
      `many/model-${index}-gguf`,
      { files: { 'm.gguf': MODELS['story.gguf'] } },
    ]),
  ),
};

for (const kind of BROWSERS) {
  describeIfInstalled(`finding models in ${kind.name}`, kind.programs, (program) => {
    let fixture: BrowserFixture;
    beforeEach(async () => {
      fixture = await BrowserFixture.open(kind, program, { repos: REPOS });
      fixture.install();
    });
    afterEach(() => fixture.close());

    async function capture(page: PageDriver, name: string): Promise<void> {
      await page.saveScreenshot(`${kind.name}-${name}`);
      expect(await page.accessibilityViolations()).toEqual([]);
    }

    async function openPopup(): Promise<PageDriver> {
      const page = await fixture.page('popup.html');
      await page.waitForText('header', 'Connected');
      return page;
    }

    it('suggests up to three models that fit until one is installed', async () => {
      const page = await openPopup();
      await page.waitForText('[data-suggestion]', 'Best answers on this computer');
      const count = await page.evaluate(`document.querySelectorAll('[data-suggestion]').length`);
      expect(count).toBeGreaterThanOrEqual(1);
      expect(count).toBeLessThanOrEqual(3);
      await page.waitFor(`document.querySelector('[data-suggestion] [data-fit]').dataset.fit === 'memory'`);
      await capture(page, 'light-suggestions');
      await page.request('DOWNLOAD_MODEL', { modelPath: STORY });
      await page.waitForElement(rowOf(STORY, 'downloaded'));
      await page.waitFor(`document.querySelector('[data-suggestion]') === null`);
    });

    it("searches Hugging Face, and lists a repository's files with the recommended one selected", async () => {
      const page = await openPopup();
      await page.fill('input[type=search]', 'chat-7b');
      await page.click(`[data-repo="${TWO_FILES}"] button`);
      await page.waitForText('dialog', 'Q8_0');
      await page.waitFor(`document.querySelector('dialog input:checked').value === '${TWO_FILES}/chat-7b-Q4_K_M.gguf'`);
      await page.waitForText('dialog .file', 'recommended');
      await capture(page, 'light-choose-file');
      await page.click('dialog footer button');
      await page.waitForElement(rowOf(`${TWO_FILES}/chat-7b-Q4_K_M.gguf`, 'downloaded'));
    });

    it('shows more results of Hugging Face', async () => {
      const page = await openPopup();
      await page.fill('input[type=search]', 'many');
      await page.waitFor(`document.querySelectorAll('[data-repo]').length === 20`);
      await page.click('.more');
      await page.waitFor(`document.querySelectorAll('[data-repo]').length === 25`);
      await page.waitFor(`document.querySelector('.more') === null`);
    });

    it('opens a pasted URL, ID or quantization', async () => {
      const page = await openPopup();
      for (const [pasted, chosen] of [
        [`hf.co/${TWO_FILES}:Q8_0`, 'chat-7b-Q8_0.gguf'],
        [`https://huggingface.co/${TWO_FILES}/blob/main/chat-7b-Q8_0.gguf`, 'chat-7b-Q8_0.gguf'],
        [TWO_FILES, 'chat-7b-Q4_K_M.gguf'],
      ]) {
        await page.fill('input[type=search]', pasted ?? '');
        await page.click(`[data-repo="${TWO_FILES}"] button`);
        await page.waitFor(`document.querySelector('dialog input:checked').value.endsWith(${JSON.stringify(chosen)})`);
        await page.press('Escape');
        await page.waitFor(`document.querySelector('dialog') === null`);
      }
    });

    it('shows that a gated model has terms, and what to do after access was denied', async () => {
      const page = await openPopup();
      await page.fill('input[type=search]', 'gated');
      await page.waitForText(`[data-repo="${GATED}"]`, 'Terms required');
      await page.click(`[data-repo="${GATED}"] button`);
      await page.waitForText('dialog .gated', 'accept their terms');
      await page.waitForText('dialog .gated', 'Add access token');
      await capture(page, 'light-gated');
      await page.click('dialog footer button');
      const row = rowOf(`${GATED}/m-Q4_K_M.gguf`);
      await page.waitForText(row, 'Accept this model’s terms on Hugging Face');
      await page.fill('input[type=search]', '');
      expect(await page.waitForText(`${row} .notice .button`)).toBe('Open terms');
      await capture(page, 'light-gated-refused');
    });

    it('filters models by capability, license and size', async () => {
      const page = await openPopup();
      await page.request('DOWNLOAD_MODEL', { modelPath: STORY });
      await page.request('DOWNLOAD_MODEL', { modelPath: 'acme/bge-embed-gguf/bge-Q8_0.gguf' });
      await page.waitForElement(rowOf('acme/bge-embed-gguf/bge-Q8_0.gguf', 'downloaded'));
      await page.click('fieldset label:nth-of-type(6)');
      await page.waitFor(`document.querySelector('${rowOf(STORY)}') === null`);
      await page.waitForText(rowOf('acme/bge-embed-gguf/bge-Q8_0.gguf'), 'Embedding');
      await capture(page, 'light-filtered');
      const chat = await fixture.page('sidepanel.html');
      await chat.waitForText('.messages', 'Load a model');
      expect(await chat.waitForText('.messages', 'story')).not.toContain('bge');

      await page.click('fieldset label:nth-of-type(6)');
      await page.waitForElement(rowOf('ggml-org/gemma-3-1b-it-GGUF/gemma-3-1b-it-Q4_K_M.gguf'));
      await page.click('fieldset label:nth-of-type(7)');
      await page.waitFor(`document.querySelector('[data-model^="ggml-org/gemma-3"]') === null`);
      await page.waitForElement('[data-model^="Qwen/Qwen3-8B"]');
      await page.select('fieldset select', '2000000000');
      await page.waitFor(`document.querySelector('[data-model^="Qwen/Qwen3-8B"]') === null`);
      await page.waitForElement('[data-model^="Qwen/Qwen3-0.6B"]');
      await capture(page, 'light-filtered-size');
    });

    it('confirms before it deletes a model, and verifies a model', async () => {
      const page = await openPopup();
      await page.request('DOWNLOAD_MODEL', { modelPath: STORY });
      const choose = async (entry: string) => {
        await page.click(`${rowOf(STORY)} [aria-haspopup=menu]`);
        await page.waitForText(`${rowOf(STORY)} [role=menu]`, entry);
        await page.evaluate(
          `[...document.querySelectorAll('[role=menuitem]')].find(({ innerText }) => innerText === ${JSON.stringify(entry)}).click()`,
        );
      };
      await choose('Verify');
      await page.waitForText('.toasts', 'The file is intact.');
      await choose('Delete');
      await page.waitForText('[role=alertdialog]', 'Delete story?');
      await capture(page, 'light-confirm-delete');
      await page.press('Escape');
      await page.waitForElement(rowOf(STORY, 'downloaded'));
      await choose('Delete');
      await page.click('[role=alertdialog] .danger');
      await page.waitFor(`document.querySelector('${rowOf(STORY, 'downloaded')}') === null`);
    });

    it('adds a model from a URL that is pasted in the settings', async () => {
      const page = await fixture.page('options.html');
      await page.fill('#add-model input', `hf.co/${TWO_FILES}`);
      await page.click('#add-model [type=submit]');
      await page.waitForText('#add-model [role=status]', `Added ${TWO_FILES}/chat-7b-Q4_K_M.gguf`);
    });
  });
}
