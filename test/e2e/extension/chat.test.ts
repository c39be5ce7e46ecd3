import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { endedTurns } from '../../../extension/page/chat/history.ts';
import { describeWith } from '../../support/describe-where.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { MODELS, modelId, REPO } from '../../support/extension/models.ts';
import type { PageDriver } from '../../support/extension/page-driver.ts';
import { ANSWERS, startMock } from '../../support/remote/engine-mock.ts';

const STORY = modelId('story.gguf');
const TICKING = modelId('ticking.gguf');
const SMALL_CONTEXT = modelId('small-context.gguf');

interface StoredMessage {
  readonly role: string;
  readonly content: string;
  readonly status: string;
}

/** The messages of the newest conversation, as the host stores them, without turns that failed. */
async function storedMessages(page: PageDriver): Promise<Pick<StoredMessage, 'role' | 'content'>[]> {
  const { conversations } = (await page.ask('LIST_CONVERSATIONS')) as { conversations: { id: string }[] };
  const { messages } = (await page.ask('GET_CONVERSATION', { id: conversations[0]?.id })) as {
    messages: StoredMessage[];
  };
  return endedTurns(messages).map(({ role, content }) => ({ role, content }));
}

/** Sends a message and waits for its answer to be complete. */
async function ask(page: PageDriver, text: string): Promise<void> {
  const count = Number(await page.evaluate(`document.querySelectorAll('.question').length`));
  await page.fill('textarea', text);
  await page.click('form [type=submit]');
  await page.waitForText('.messages', text);
  // Between two attempts with fewer messages nothing is being generated, but the question is not in the list either.
  await page.waitFor(
    `document.querySelectorAll('.question').length === ${count + 1} && document.querySelector('.answer [aria-label="Retry"]') && document.querySelector('.composer [type=submit]')`,
  );
}

for (const kind of BROWSERS) {
  describeWith(`the chat in ${kind.name}`, kind.programs, (program) => {
    let fixture: BrowserFixture;
    beforeEach(async () => {
      fixture = await BrowserFixture.open(kind, program, { repos: { [REPO]: { files: MODELS } } });
    });
    afterEach(() => fixture.close());

    async function capture(page: PageDriver, name: string): Promise<void> {
      await page.saveScreenshot(`${kind.name}-${name}`);
      expect(await page.accessibilityViolations()).toEqual([]);
    }

    /** Opens the side panel with a loaded model. */
    async function openChat(model = STORY): Promise<PageDriver> {
      fixture.install();
      const page = await fixture.page('sidepanel.html');
      await page.waitForText('header', 'Connected');
      // The longest answer: one that has to be stopped must not end before.
      await page.ask('SET_PARAMS', { params: { max_new_tokens: 1_000_000 } });
      const n_ctx = model === TICKING ? 32_768 : 512;
      await page.ask('LOAD_MODEL', { modelPath: model, settings: { n_threads: 1, n_ctx } });
      await page.waitForText('[data-privacy]', 'Runs on this computer.');
      return page;
    }

    it('stores each question and answer once, and shows them in every window', async () => {
      const one = await openChat();
      const two = await fixture.page('sidepanel.html');
      await ask(one, 'Tell a story.');
      const messages = await storedMessages(one);
      expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
      await two.click('header .buttons button');
      await two.waitForText('.row .open', 'Tell a story.');
      await two.click('.row .open');
      await two.waitForText('.messages .answer', messages[1]?.content.slice(0, 20));
      await ask(two, 'Another one.');
      await one.waitForText('.messages', 'Another one.');
      expect(await storedMessages(one)).toHaveLength(4);
    });

    it('continues an answer when the panel is closed, shows it again, and stops it with Escape', async () => {
      const page = await openChat(TICKING);
      const other = await fixture.page('popup.html');
      await page.fill('textarea', 'What does a clock say?');
      await page.click('form [type=submit]');
      await page.waitForText('.answer', 'tick tock tick');
      await page.close();
      expect(await other.waitForText('header', 'Connected')).toContain('TabAgent');

      const again = await fixture.page('sidepanel.html');
      await again.waitForText('.messages', 'What does a clock say?');
      const seen = await again.waitForText('.answer', 'tick tock tick');
      await again.waitFor(`document.querySelector('.answer').innerText.length > ${seen.length}`);
      await again.press('Escape');
      await again.waitForElement('form [type=submit]');
      const [question, answer] = await storedMessages(again);
      expect(question?.content).toBe('What does a clock say?');
      expect(answer?.content.length).toBeGreaterThan(seen.length - 1);
    });

    it('keeps drafts, and the conversation that was open, when the panel is closed', async () => {
      const page = await openChat();
      await ask(page, 'Tell a story.');
      await page.fill('textarea', 'A half-written quest');
      await page.close();
      const again = await fixture.page('sidepanel.html');
      await again.waitForText('.messages', 'Tell a story.');
      await again.waitFor(`document.querySelector('textarea').value === 'A half-written quest'`);
    });

    it('answers again and edits in place, and undoes both', async () => {
      const page = await openChat();
      await ask(page, 'Tell a story.');
      const before = await storedMessages(page);
      await page.click('.answer button[aria-label="Retry"]');
      await page.waitForText('.toasts', 'The earlier answer was replaced.');
      expect(await storedMessages(page)).toHaveLength(2);

      await page.click('.question button[aria-label="Edit message"]');
      await page.fill('.editor textarea', 'Tell another story.');
      await page.click('.editor [type=submit]');
      await page.waitForText('.messages', 'Tell another story.');
      await page.waitFor(`document.querySelectorAll('.toast').length === 2`);
      expect((await storedMessages(page)).map(({ content }) => content)).not.toContain('Tell a story.');
      await page.click('.toast:last-child .button:not(.icon)');
      await page.waitFor(`!document.querySelector('.messages').innerText.includes('another')`);
      expect((await storedMessages(page))[0]).toEqual(before[0]);
      expect(await storedMessages(page)).toHaveLength(2);
    });

    it('renames, exports and deletes a conversation, and undoes the deletion', async () => {
      const page = await openChat();
      await ask(page, 'Tell a story.');
      const menu = async (entry: string) => {
        await page.click('.bar > button');
        await page.waitForElement('.bar [role=menu] [role=menuitem]');
        await page.evaluate(
          `[...document.querySelectorAll('.bar [role=menuitem]')].find(({ innerText }) => innerText === ${JSON.stringify(entry)}).click()`,
        );
      };
      await page.click('.bar > button');
      await page.waitForElement('.bar [role=menuitem]');
      await capture(page, 'light-conversation-menu');
      await page.press('Escape');
      await menu('Rename');
      await page.fill('.bar input', 'Stories');
      await page.click('.bar [type=submit]');
      await page.waitForText('.bar h2', 'Stories');

      await page.evaluate(`(() => {
        const text = new Promise((resolve) => {
          URL.createObjectURL = (blob) => (resolve(blob.text()), 'blob:');
        });
        const name = new Promise((resolve) => {
          HTMLAnchorElement.prototype.click = function () { resolve(this.download); };
        });
        window.saved = Promise.all([name, text]);
      })()`);
      await menu('Export as Markdown');
      const [name, text] = (await page.evaluate('window.saved')) as string[];
      expect(name).toBe('Stories.md');
      expect(text).toContain('# Stories\n\n## user\n\nTell a story.');

      await menu('Delete');
      await page.waitForText('.toasts', 'Conversation deleted.');
      await page.waitForText('.messages', 'What would you like to know?');
      await capture(page, 'light-deleted');
      await page.click('.toast .button:not(.icon)');
      await page.click('header .buttons button');
      await page.waitForText('.row .open', 'Stories');
      expect(await storedMessages(page)).toHaveLength(2);
    });

    it('says what is wrong with a message that is too long, and continues after it', async () => {
      const page = await openChat(SMALL_CONTEXT);
      await page.fill('textarea', 'word '.repeat(2_000));
      await page.click('form [type=submit]');
      const text = await page.waitForText('.unanswered', 'too long for the model’s current context');
      expect(text).not.toContain('CONTEXT_OVERFLOW');
      expect(text).toMatch(/Reload with [\d,]+ tokens/);
      await capture(page, 'light-too-long');
      expect(await page.evaluate('document.scrollingElement.scrollHeight - innerHeight')).toBeLessThanOrEqual(0);
      await page.evaluate(
        `[...document.querySelectorAll('.unanswered button')].find(({ innerText }) => innerText === 'Edit').click()`,
      );
      await page.waitFor(`document.querySelector('textarea').value.startsWith('word word')`);
      await ask(page, 'Short.');
      expect(await storedMessages(page)).toHaveLength(2);
    });

    it('leaves out the oldest messages when the context is full, and says so', async () => {
      const page = await openChat(SMALL_CONTEXT);
      await ask(page, 'Short.');
      const { conversations } = (await page.ask('LIST_CONVERSATIONS')) as { conversations: { id: string }[] };
      const turn = [
        { role: 'user', content: 'word '.repeat(60) },
        { role: 'assistant', content: 'word '.repeat(60) },
      ];
      await page.ask('ADD_MESSAGES', { id: conversations[0]?.id, messages: Array(6).fill(turn).flat() });
      await page.waitFor(`document.querySelectorAll('.question').length === 7`);
      await ask(page, 'After many messages.');
      await page.waitForText('[data-trimmed]', 'no longer sent');
      const stored = await storedMessages(page);
      expect(stored.at(-2)?.content).toBe('After many messages.');
    });

    it('chooses the model in the panel', async () => {
      const page = await openChat();
      await page.ask('DOWNLOAD_MODEL', { modelPath: TICKING });
      await page.click('.picker');
      await page.waitForText('[role=menu]', 'ticking');
      await capture(page, 'light-model-picker');
      await page.press('ArrowDown');
      await page.press('Enter');
      await page.waitForText('.picker', 'ticking');
      await page.waitFor(`document.activeElement.matches('.picker')`);
    });

    it('attaches pasted text files, and refuses others', async () => {
      const page = await openChat();
      const paste = (name: string, content: string) =>
        page.evaluate(`(() => {
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([${content}], ${JSON.stringify(name)}));
          // Firefox ignores the data given to the constructor of ClipboardEvent.
          const event = new Event('paste', { bubbles: true, cancelable: true });
          Object.defineProperty(event, 'clipboardData', { value: clipboardData });
          document.querySelector('textarea').dispatchEvent(event);
        })()`);
      await page.waitForElement('textarea');
      await paste('picture.bin', 'new Uint8Array([255, 0])');
      await page.waitForText('.composer', 'picture.bin is not a text file.');
      await paste('notes.md', "'Buy milk.'");
      await page.waitForText('.attachments', 'notes.md');
      await capture(page, 'light-attachment');
      await ask(page, 'Read this.');
      expect((await storedMessages(page))[0]?.content).toBe('Read this.\n\nnotes.md\n```\nBuy milk.\n```');
    });

    it('says where messages go, and answers with a remote engine', async () => {
      const engine = fixture.use(await startMock());
      await fixture.configure({ remoteEngines: [{ name: 'cloud', url: engine.url }] });
      fixture.install();
      const page = await fixture.page('sidepanel.html');
      await page.waitForText('header', 'Connected');
      const { models } = (await page.ask('GET_MODELS_BY_TYPE', { modelType: 'remote' })) as {
        models: { id: string }[];
      };
      await page.ask('LOAD_MODEL', { modelPath: models[0]?.id });
      await page.waitForText('[data-privacy]', `Sent to cloud at ${new URL(engine.url).host}.`);
      await capture(page, 'light-remote');
      await ask(page, 'How is the weather?');
      expect((await storedMessages(page))[1]?.content).toBe(ANSWERS.weather);
    });
  });
}
