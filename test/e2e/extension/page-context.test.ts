import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeIfInstalled } from '../../support/describe-unless.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { MODELS, modelId, REPO } from '../../support/extension/models.ts';
import type { PageDriver } from '../../support/extension/page-driver.ts';
import { ANSWERS, startMock } from '../../support/remote/engine-mock.ts';

const PARAGRAPHS = [
  'The first pendulum clock was built by Christiaan Huygens, and it lost about fifteen seconds a day.',
  `A report from the coast said: ${ANSWERS.weather}`,
  'Water clocks were used in Babylon long before, to divide the night into watches of the same length.',
];

/** Typical web pages: an article with menus, a page that is too long, and one without text. */
const PAGES: Readonly<Record<string, string>> = {
  '/clocks': `<title>Clocks</title><nav>Home News</nav><script>secret()</script>
    <article><h1>Clocks</h1>${PARAGRAPHS.map((text) => `<p id="p">${text}</p>`).join('')}
    <pre><code class="language-js">tick();</code></pre></article>`,
  '/long': `<title>Long</title><article>${`<p>${'Many words stand here. '.repeat(30)}</p>`.repeat(40)}</article>`,
  '/empty': '<title>Empty</title>',
};

interface StoredMessage {
  readonly role: string;
  readonly content: string;
}

for (const kind of BROWSERS) {
  describeIfInstalled(`asking about pages in ${kind.name}`, kind.programs, (program) => {
    let fixture: BrowserFixture;
    let site: string;
    beforeEach(async () => {
      fixture = await BrowserFixture.open(kind, program, { repos: { [REPO]: { files: MODELS } } });
      const server = createServer((request, response) => {
        response.writeHead(200, {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': "default-src 'none'",
        });
        response.end(`<!doctype html>${PAGES[request.url ?? ''] ?? ''}`);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      fixture.use({ close: () => new Promise((resolve) => server.close(resolve)) });
    });
    afterEach(() => fixture.close());

    /** Opens the panel with a loaded model, in a tab after that of the page. */
    async function openPanel(model = modelId('story.gguf')): Promise<PageDriver> {
      const page = await fixture.page('sidepanel.html');
      await page.waitForText('header', 'Connected');
      await page.request('SET_PARAMS', { params: { max_new_tokens: 20 } });
      await page.request('LOAD_MODEL', { modelPath: model, settings: { n_threads: 1, n_ctx: 512 } });
      await page.waitForText('[data-privacy]', 'Runs on this computer.');
      return page;
    }

    /** Chooses an entry of the menu that adds pages. */
    async function choose(page: PageDriver, entry: string): Promise<void> {
      await page.click('.add-context');
      await page.waitForText('.composer [role=menu]:popover-open', entry);
      await page.evaluate(
        `[...document.querySelectorAll('.composer :popover-open [role=menuitem]')].find(({ innerText }) => innerText === ${JSON.stringify(entry)}).click()`,
      );
    }

    async function storedMessages(page: PageDriver): Promise<StoredMessage[]> {
      const { conversations } = (await page.request('LIST_CONVERSATIONS')) as { conversations: { id: string }[] };
      return ((await page.request('GET_CONVERSATION', { id: conversations[0]?.id })) as { messages: StoredMessage[] })
        .messages;
    }

    async function capture(page: PageDriver, name: string): Promise<void> {
      await page.saveScreenshot(`${kind.name}-${name}`);
      expect(await page.accessibilityViolations()).toEqual([]);
    }

    it('explains how to let the extension read a page, and then sends its article with the question', async () => {
      fixture.install();
      const web = await fixture.webPage(`${site}/clocks`);
      const page = await openPanel();
      await choose(page, 'This page');
      await page.waitForText('.composer [role=alert]', 'Alt+Shift+L');

      await web.useExtension();
      await choose(page, 'This page');
      await page.waitForText('.contexts', 'tokens');
      expect(await page.waitForText('.contexts', 'Clocks')).toMatch(/Clocks\s+\d+ tokens/);
      expect(await page.evaluate(`document.querySelector('.composer [role=alert]')`)).toBeNull();
      await capture(page, 'light-page-attached');
      await page.fill('textarea', 'Who built it?');
      await page.click('.composer [type=submit]');
      await page.waitForElement('.answer [aria-label="Retry"]');

      const [question] = await storedMessages(page);
      expect(question?.content).toMatch(/^Who built it\?\n\n<web_page kind="page" title="Clocks" url="http:/);
      expect(question?.content).toContain(PARAGRAPHS[0]);
      expect(question?.content).toContain('```js\ntick();\n```');
      expect(question?.content).not.toMatch(/Home News|secret/);
      // The text of the page is collapsed below the question.
      expect(await page.waitForText('.bubble')).not.toContain('pendulum');
      await page.click('.question summary');
      await page.waitForText('.question details', 'pendulum');
      await capture(page, 'light-page-asked');
    });

    it('asks about the selected text, and can remove a page', async () => {
      fixture.install();
      const web = await fixture.webPage(`${site}/clocks`);
      await web.useExtension();
      await web.evaluate(`getSelection().selectAllChildren(document.querySelectorAll('p')[2])`);
      const page = await openPanel();
      await choose(page, 'Clocks');
      await page.waitForText('.contexts', 'Clocks');
      await page.click('.contexts .remove');
      await page.waitFor(`document.querySelector('.contexts') === null`);
      await page.evaluate(
        `[...document.querySelectorAll('.starters button')].find(({ innerText }) => innerText === 'Explain the selection').click()`,
      );
      await page.waitForElement('.answer [aria-label="Retry"]');
      const [question] = await storedMessages(page);
      expect(question?.content).toMatch(
        /^Explain this text in plain words\.\n\n<web_page kind="selection" title="Clocks"/,
      );
      expect(question?.content).toContain(PARAGRAPHS[2]);
      expect(question?.content).not.toContain(PARAGRAPHS[0]);
    });

    it('shortens a page that is too long for the model, and reports it', async () => {
      fixture.install();
      const web = await fixture.webPage(`${site}/long`);
      await web.useExtension();
      const page = await openPanel();
      await choose(page, 'This page');
      await page.waitForText('.composer', 'Too long for the model.');
      await page.fill('textarea', 'What is it about?');
      await page.click('.composer [type=submit]');
      await page.waitForElement('.answer [aria-label="Retry"]');
      const [question] = await storedMessages(page);
      expect(question?.content).toMatch(/beginning="\d{1,2}%"/);
      await page.waitForText('.question summary', 'first');
    });

    it('reports that a page has no text', async () => {
      fixture.install();
      const web = await fixture.webPage(`${site}/empty`);
      await web.useExtension();
      const page = await openPanel();
      await choose(page, 'This page');
      await page.waitForText('.composer [role=alert]', 'No text was found on this page.');
      await choose(page, 'Selection on this page');
      await page.waitForText('.composer [role=alert]', 'Nothing is selected on this page.');
    });

    it('links statements in an answer to the passage of the page', async () => {
      const engine = fixture.use(await startMock());
      await fixture.configure({ remoteEngines: [{ name: 'cloud', url: engine.url }] });
      fixture.install();
      const web = await fixture.webPage(`${site}/clocks`);
      await web.useExtension();
      const page = await fixture.page('sidepanel.html');
      await page.waitForText('header', 'Connected');
      const { models } = (await page.request('GET_MODELS_BY_TYPE', { modelType: 'remote' })) as {
        models: { id: string }[];
      };
      await page.request('LOAD_MODEL', { modelPath: models[0]?.id });
      await page.waitForText('[data-privacy]', 'Sent to cloud');
      await choose(page, 'This page');
      await page.waitForText('.contexts', 'Clocks');
      await page.fill('textarea', 'How is the weather?');
      await page.click('.composer [type=submit]');
      await page.waitForElement('.answer a');
      const href = String(await page.evaluate(`document.querySelector('.answer a').href`));
      expect(href.startsWith(`${site}/clocks#:~:text=`)).toBe(true);
      expect(decodeURIComponent(href)).toContain(ANSWERS.weather.split(' ').at(-1));
    });

    // Context menus, shortcuts and the address bar belong to the browser. The test dispatches their events in the
    // worker, which only Chromium's driver can access.
    if (kind.name === 'chromium') {
      it.each([
        [
          'the menu for selected text',
          `contextMenus.onClicked.dispatch({ menuItemId: 'explain' }, tab)`,
          'Explain this text',
        ],
        ['the address bar', `omnibox.onInputEntered.dispatch('What is a clock?', 'currentTab')`, 'What is a clock?'],
      ])('asks immediately from %s', async (_from, event, question) => {
        fixture.install();
        const web = await fixture.webPage(`${site}/clocks`);
        const page = await openPanel();
        await page.fill('.composer textarea', 'A half-written question');
        await web.useExtension();
        await web.evaluate(`getSelection().selectAllChildren(document.querySelectorAll('p')[2])`);
        await fixture.inWorker(`chrome.tabs.query({ url: '${site}/*' }).then(([tab]) => void chrome.${event})`);
        await page.click('header .buttons button');
        await page.waitForText('.row .open', question);
        const [asked] = await storedMessages(page);
        expect(asked?.content.startsWith(question)).toBe(true);
        expect(asked?.content.includes(PARAGRAPHS[2] ?? '')).toBe(question.startsWith('Explain'));
        await page.click('header .buttons button');
        await page.waitFor(`document.querySelector('.composer textarea').value === 'A half-written question'`);
      });

      it('attaches the page with the keyboard command', async () => {
        fixture.install();
        const web = await fixture.webPage(`${site}/clocks`);
        const page = await openPanel();
        await web.useExtension();
        await fixture.inWorker(
          `chrome.tabs.query({ url: '${site}/*' }).then(([tab]) => void chrome.commands.onCommand.dispatch('ask-about-page', tab))`,
        );
        await page.waitForText('.contexts', 'Clocks');
      });
    }

    it('stores saved prompts, and inserts them', async () => {
      fixture.install();
      const options = await fixture.page('options.html');
      await options.click('#prompts > div:last-child button');
      await options.fill('#prompts input', 'Proofread');
      await options.fill('#prompts textarea', 'Correct the spelling.');
      await options.click('#prompts [type=submit]');
      await options.waitForText('#prompts', 'Proofread');
      const page = await openPanel();
      await page.click('[aria-label="Insert a saved prompt"]');
      await page.waitForText('.composer [role=menu]:popover-open', 'Proofread');
      await page.press('Enter');
      await page.waitFor(`document.querySelector('.composer textarea').value === 'Correct the spelling.'`);

      await options.click('#prompts [aria-label="Delete Proofread"]');
      await options.waitForText('.toasts', 'Proofread was deleted.');
      await options.click('.toast .button:not(.icon)');
      await options.waitForText('#prompts', 'Correct the spelling.');
    });
  });
}
