import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { MAX_PENDING } from '../../../extension/web-ai/names.ts';
import { describeIfInstalled } from '../../support/describe-unless.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { MODELS, modelId, REPO } from '../../support/extension/models.ts';
import type { PageDriver } from '../../support/extension/page-driver.ts';

/** What the page of the example says when it is not allowed. */
const REFUSED = 'Allow this extension';

for (const kind of BROWSERS) {
  describeIfInstalled(`models for other extensions in ${kind.name}`, kind.programs, (program) => {
    let fixture: BrowserFixture;
    let id: string;

    beforeEach(async () => {
      fixture = await BrowserFixture.open(kind, program, { repos: { [REPO]: { files: MODELS } } });
      id = await fixture.addExample();
      fixture.install();
    });
    afterEach(() => fixture.close());

    /** Opens the popup with a loaded model, and a page of the example. */
    async function open(model = modelId('story.gguf')): Promise<{ popup: PageDriver; example: PageDriver }> {
      const popup = await fixture.page('popup.html');
      await popup.waitForText('header', 'Connected');
      await popup.request('LOAD_MODEL', { modelPath: model, settings: { n_threads: 1, n_ctx: 512 } });
      return { popup, example: await fixture.examplePage('ask.html') };
    }

    /** Has the example ask for the first time, and answers TabAgent's question. */
    async function answerQuestion(answer: 'Allow' | 'Do not allow', model?: string) {
      const { popup, example } = await open(model);
      await example.click('#ask');
      await example.waitForText('#answer', REFUSED);
      await popup.waitForText('.question', id);
      await popup.click(answer === 'Allow' ? '.question .primary' : '.question button:not(.primary)');
      await popup.waitFor(`document.querySelector('.question') === null`);
      return { popup, example };
    }

    /** Defines `ask()` in the page of the example: sends a prompt over a port of its own, and collects how each ended. */
    const listen = (example: PageDriver) =>
      example.evaluate(`(async () => {
        const { TabAgentClient } = await import('./client.js');
        const tabagent = navigator.userAgent.includes('Firefox') ? 'tabagent@tabagent.dev' : 'himjamfdhofmlajadokkbdcnhlhegnbd';
        window.ends = [];
        const client = new TabAgentClient(() => (window.port = chrome.runtime.connect(tabagent)));
        window.ask = () => void client.request('prompt', { messages: [{ role: 'user', content: 'Hello' }] }).then(
          () => window.ends.push('answer'), (error) => window.ends.push(error.name));
        return true;
      })()`);

    it('an extension is refused until the user answers the question about it, and gets what it asked for after that', async () => {
      const { popup, example } = await answerQuestion('Allow');
      expect(await example.evaluate(`chrome.runtime.id`)).toBe(id);
      await example.fill('input', 'Tell me a story');
      await example.click('#ask');
      await example.waitForText('#answer', 'once');
      await example.waitFor(`document.querySelector('#stop').disabled`);
      // The second question is sent with the first one and its answer.
      await example.click('#ask');
      await example.waitFor(
        `document.querySelector('#stop').disabled && document.querySelector('#answer').innerText.includes('once')`,
      );
      const options = await fixture.page('options.html#callers');
      await options.waitForText('#callers', 'Today: 2 answers');
      await popup.close();
    });

    it('an extension that the user refused stays refused without a further question, until the settings allow it', async () => {
      const { popup, example } = await answerQuestion('Do not allow');
      await example.click('#ask');
      await example.waitForText('#answer', REFUSED);
      await listen(example);
      await example.evaluate('window.ask()');
      await example.waitFor('window.ends.length === 1');
      expect(await example.evaluate('window.ends')).toEqual(['NotAllowedError']);
      expect(await popup.evaluate(`document.querySelector('.question')`)).toBeNull();

      const options = await fixture.page('options.html#callers');
      await options.click('#callers .denied button');
      await options.waitForText('#callers', 'Model for');
      await example.evaluate('window.ask()');
      await example.waitFor('window.ends.length === 2');
      expect(await example.evaluate('window.ends')).toEqual(['NotAllowedError', 'answer']);
    });

    it('the user can stop an answer, and take the access back while one is generated', async () => {
      const { example } = await answerQuestion('Allow', modelId('ticking.gguf'));
      await listen(example);
      const options = await fixture.page('options.html#callers');
      await example.evaluate('window.ask()');
      await options.waitForText('#callers', 'Answering');
      await options.click('#callers [aria-label^="Stop "]');
      await example.waitFor('window.ends.length === 1');

      await example.evaluate('window.ask()');
      await options.waitForText('#callers', 'Answering');
      await options.click('#callers [aria-label^="Remove access"]');
      await example.waitFor('window.ends.length === 2');
      // It may ask again, because the user did not refuse it but forgot it.
      await example.evaluate('window.ask()');
      await example.waitFor('window.ends.length === 3');
      expect(await example.evaluate('window.ends')).toEqual(['AbortError', 'NotAllowedError', 'NotAllowedError']);
    });

    it('a flood of requests is refused, and what runs ends with the port', async () => {
      const { example } = await answerQuestion('Allow', modelId('ticking.gguf'));
      await listen(example);
      const options = await fixture.page('options.html#callers');
      const sent = 200;
      await example.evaluate(`Array.from({ length: ${sent} }, () => window.ask()).length`);
      await example.waitFor(`window.ends.length === ${sent - MAX_PENDING}`);
      expect(await example.evaluate('[...new Set(window.ends)]')).toEqual(['OperationError']);
      await options.waitForText('#callers', 'Answering');

      await example.evaluate('window.port.disconnect()');
      await options.waitFor(`!document.querySelector('#callers').innerText.includes('Answering')`);
      await listen(example);
      await example.evaluate('window.ask()');
      await options.waitForText('#callers', 'Answering');
    });
  });
}
