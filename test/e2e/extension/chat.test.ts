import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeIfInstalled } from '../../support/describe-unless.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { MODELS, modelId, REPO } from '../../support/extension/models.ts';
import type { PageDriver } from '../../support/extension/page-driver.ts';
import { ANSWERS, startMock } from '../../support/remote/engine-mock.ts';

const STORY = modelId('story.gguf');
const TICKING = modelId('ticking.gguf');
const SMALL_CONTEXT = modelId('small-context.gguf');
const THINKING = modelId('thinking.gguf');

interface StoredMessage {
  readonly id: string;
  readonly role: string;
  readonly content: string;
  readonly status: string;
}

/** The messages of the newest conversation, as the host stores them: those of the branch that is shown. */
async function storedMessages(page: PageDriver): Promise<StoredMessage[]> {
  const { messages } = (await page.request('GET_CONVERSATION', { id: await newestId(page) })) as {
    messages: StoredMessage[];
  };
  return messages;
}

/** The id of the newest conversation. */
async function newestId(page: PageDriver): Promise<string | undefined> {
  const { conversations } = (await page.request('LIST_CONVERSATIONS')) as { conversations: { id: string }[] };
  return conversations[0]?.id;
}

/** Sends a message and waits for its answer to be complete. */
async function ask(page: PageDriver, text: string): Promise<void> {
  const count = Number(await page.evaluate(`document.querySelectorAll('.question').length`));
  await page.fill('textarea', text);
  await page.click('form [type=submit]');
  await page.waitForText('.messages', text);
  await page.waitFor(
    `document.querySelectorAll('.question').length === ${count + 1} && [...document.querySelectorAll('.answer')].at(-1).querySelector('[aria-label="Retry"]') && document.querySelector('.composer [type=submit]')`,
  );
}

for (const kind of BROWSERS) {
  describeIfInstalled(`the chat in ${kind.name}`, kind.programs, (program) => {
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
      // Long enough that an answer does not end before it is stopped.
      await page.request('SET_PARAMS', { params: { max_new_tokens: 1_000_000 } });
      const n_ctx = model === TICKING ? 32_768 : 512;
      await page.request('LOAD_MODEL', { modelPath: model, settings: { n_threads: 1, n_ctx } });
      await page.waitForText('[data-privacy]', 'Runs on this computer.');
      return page;
    }

    /** Chooses an entry of an open menu. */
    async function choose(page: PageDriver, menu: string, entry: string): Promise<void> {
      await page.click(`${menu}`);
      await page.waitForElement('[role=menu] [role^=menuitem]');
      await page.evaluate(
        `[...document.querySelectorAll('[role=menu] [role^=menuitem]')].find(({ innerText }) => innerText.trim() === ${JSON.stringify(entry)}).click()`,
      );
    }
    const CONVERSATION_MENU = '.bar > button';

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

    it('shows what another host has changed', async () => {
      const page = await openChat();
      await ask(page, 'Tell a story.');
      await page.click('header .buttons button');
      await page.waitForText('.row .open', 'Tell a story.');
      await fixture.runCommand('chat', 'rm', (await newestId(page)) ?? '');
      await page.waitForText('.lists', 'No conversations yet.');
    });

    it('shows earlier messages as the user scrolls up, to the first one', async () => {
      const page = await openChat();
      await page.request('CREATE_CONVERSATION', { id: 'long', title: 'Long' });
      const messages = Array.from({ length: 60 }, (_, index) => ({
        role: index % 2 === 0 ? 'user' : 'assistant',
        content: `Message ${index}.${'\n\nMore.'.repeat(10)}`,
      }));
      await page.request('ADD_MESSAGES', { id: 'long', messages });
      await page.click('header [aria-label="Conversations"]');
      await page.click('.row .open');
      await page.waitForText('.messages', 'Message 59.');
      await page.waitFor(`new Promise((resolve) => {
        const scroller = document.querySelector('.messages');
        scroller.scrollTop = 0;
        requestAnimationFrame(() => resolve(scroller.innerText.includes('Message 0.')));
      })`);
      await page.waitFor(`document.querySelectorAll('.question').length === 30`);
      expect(await page.evaluate(`document.querySelector('.earlier')`)).toBeNull();
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
      // Escape first closes what is open.
      await again.click('.picker');
      await again.waitFor(`document.activeElement.closest('[role=menu]') !== null`);
      await again.press('Escape');
      await again.waitFor(`document.querySelector('[role=menu]:popover-open') === null`);
      await again.waitForElement('.composer [aria-label="Stop"]');
      await again.press('Escape');
      await again.waitForElement('form [type=submit]');
      const [question, answer] = await storedMessages(again);
      expect(question?.content).toBe('What does a clock say?');
      expect(answer?.content.length).toBeGreaterThan(seen.length - 1);
    });

    it('restores drafts and the open conversation after the panel was closed', async () => {
      const page = await openChat();
      await ask(page, 'Tell a story.');
      await page.fill('textarea', 'A half-written quest');
      await page.close();
      const again = await fixture.page('sidepanel.html');
      await again.waitForText('.messages', 'Tell a story.');
      await again.waitFor(`document.querySelector('textarea').value === 'A half-written quest'`);
    });

    it('keeps the settings of a new chat until its first message is sent', async () => {
      const page = await openChat(SMALL_CONTEXT);
      await choose(page, CONVERSATION_MENU, 'System prompt…');
      await page.fill('.bar textarea', 'Be brief.');
      await page.click('.bar [type=submit]');
      await page.waitForText('.messages summary', 'System prompt');
      await page.close();
      const again = await fixture.page('sidepanel.html');
      await again.waitForText('.messages summary', 'System prompt');
      await ask(again, 'Short.');
      expect(await again.request('GET_CONVERSATION', { id: await newestId(again) })).toMatchObject({
        conversation: { system_prompt: 'Be brief.' },
      });
      await again.click('header [aria-label="New chat"]');
      await again.waitFor(`document.querySelector('.question') === null && document.querySelector('summary') === null`);
    });

    it('keeps all versions of an answer and of a message, and shows the chosen one', async () => {
      const page = await openChat();
      await ask(page, 'Tell a story.');
      const [, first] = await storedMessages(page);
      await page.click('.answer button[aria-label="Retry"]');
      await page.waitForText('.answer .versions', '2 / 2');
      await page.waitForElement('.composer [type=submit]');
      const [, second] = await storedMessages(page);
      expect(second?.id).not.toBe(first?.id);
      await page.click('.answer [aria-label="Previous version"]');
      await page.waitForText('.answer .versions', '1 / 2');
      expect((await storedMessages(page))[1]?.id).toBe(first?.id);

      await page.click('.question button[aria-label="Edit message"]');
      await page.fill('.editor textarea', 'Tell another story.');
      await page.click('.editor [type=submit]');
      await page.waitForText('.question .versions', '2 / 2');
      await page.waitForElement('.answer [aria-label="Retry"]');
      await capture(page, 'light-versions');
      expect((await storedMessages(page)).map(({ content }) => content)).not.toContain('Tell a story.');
      const other = await fixture.page('sidepanel.html');
      await other.waitForText('.messages', 'Tell another story.');
      await page.click('.question [aria-label="Previous version"]');
      await other.waitForText('.messages', 'Tell a story.');
      // The newest of the alternative answers.
      expect((await storedMessages(page)).map(({ id }) => id)).toContain(second?.id);
    });

    it('shows why an answer ended early, and continues it', async () => {
      const page = await openChat(TICKING);
      await page.request('SET_PARAMS', { params: { max_new_tokens: 20 } });
      await page.fill('textarea', 'What does a clock say?');
      await page.click('form [type=submit]');
      await page.waitForText('[data-cut=length]', 'Stopped at the length limit.');
      await capture(page, 'light-cut');
      const [, before] = await storedMessages(page);
      await page.click('[data-cut] button');
      await page.waitFor(`document.querySelector('.answer p').innerText.length > ${before?.content.length}`);
      await page.waitForText('[data-cut=length]');
      const [, after] = await storedMessages(page);
      expect(after?.id).toBe(before?.id);
      expect(after?.content.startsWith(before?.content ?? '?')).toBe(true);

      await page.request('SET_PARAMS', { params: { max_new_tokens: 1_000_000 } });
      await page.click('[data-cut] button');
      await page.waitForElement('.composer [aria-label="Stop"]');
      await page.waitFor(`document.querySelector('.answer p').innerText.length > ${(after?.content.length ?? 0) + 50}`);
      await page.press('Escape');
      await page.waitForText('[data-cut=stopped]', 'Stopped.');
    });

    it('renames, exports and deletes a conversation, and undoes the deletion', async () => {
      const page = await openChat();
      await ask(page, 'Tell a story.');
      await page.click('.bar > button');
      await page.waitForElement('.bar [role=menuitem]');
      await capture(page, 'light-conversation-menu');
      await page.press('Escape');
      await choose(page, CONVERSATION_MENU, 'Rename');
      await page.fill('.bar input', 'Stories');
      await page.click('.bar [type=submit]');
      await page.waitForText('.bar h2', 'Stories');
      await choose(page, CONVERSATION_MENU, 'Pin');

      await page.evaluate(`(() => {
        const text = new Promise((resolve) => {
          URL.createObjectURL = (blob) => (resolve(blob.text()), 'blob:');
        });
        const name = new Promise((resolve) => {
          HTMLAnchorElement.prototype.click = function () { resolve(this.download); };
        });
        window.saved = Promise.all([name, text]);
      })()`);
      await choose(page, CONVERSATION_MENU, 'Export as Markdown');
      const [name, text] = (await page.evaluate('window.saved')) as string[];
      expect(name).toBe('Stories.md');
      expect(text).toContain('# Stories\n\n## user\n\nTell a story.');

      await choose(page, CONVERSATION_MENU, 'Delete');
      await page.waitForText('.toasts', 'Conversation deleted.');
      await page.waitForText('.messages', 'What would you like to know?');
      await capture(page, 'light-deleted');
      await page.click('.toast .button:not(.icon)');
      await page.click('header .buttons button');
      await page.waitForText('.row .open', 'Stories');
      await page.waitForText('#group-pinned', 'Pinned');
      await capture(page, 'light-conversations');
      expect(await storedMessages(page)).toHaveLength(2);
    });

    it("shows a model's reasoning collapsed, with its length, and can turn it off", async () => {
      const page = await openChat(THINKING);
      await ask(page, 'Why?');
      await page.waitForText('.answer', 'hello');
      expect(await page.waitForText('.answer summary', 'tokens')).toMatch(/^(Reasoning|Thought for .+) \(3 tokens\)$/);
      expect(await page.evaluate(`document.querySelector('.answer details').open`)).toBe(false);
      await page.click('.answer summary');
      await page.waitForText('.answer details p', 'hmm so');
      await capture(page, 'light-reasoning');
      await choose(page, '.reasoning-menu', 'Off');
      await page.waitForElement('.reasoning-menu[aria-label="Reasoning: Off"]');
      await page.click('.answer button[aria-label="Retry"]');
      await page.waitForText('.answer .versions', '2 / 2');
      await page.waitFor(
        `document.querySelector('.answer p').innerText === 'hello' && document.querySelector('.answer details') === null`,
      );
    });

    it('uses the system prompt of a conversation', async () => {
      const page = await openChat(SMALL_CONTEXT);
      await choose(page, CONVERSATION_MENU, 'System prompt…');
      await page.fill('.bar textarea', 'Be brief.');
      await capture(page, 'light-system-prompt');
      await page.click('.bar [type=submit]');
      await ask(page, 'Short.');
      await page.waitForText('.messages summary', 'System prompt');
      const id = await newestId(page);
      expect(await page.request('GET_CONVERSATION', { id })).toMatchObject({
        conversation: { title: 'Short.', system_prompt: 'Be brief.' },
      });
      await choose(page, CONVERSATION_MENU, 'System prompt…');
      await page.fill('.bar textarea', '');
      await page.click('.bar [type=submit]');
      await page.waitFor(`document.querySelector('.messages summary') === null`);
    });

    it('shows tool calls and results that other clients have stored', async () => {
      const page = await openChat();
      await ask(page, 'Tell a story.');
      const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } };
      await page.request('ADD_MESSAGES', {
        id: await newestId(page),
        messages: [
          { role: 'user', content: 'How is the weather?' },
          { role: 'assistant', content: '', tool_calls: [call] },
          { role: 'tool', content: 'Sunny.', tool_call_id: 'c1', name: 'weather' },
          { role: 'assistant', content: 'It is sunny.' },
        ],
      });
      await page.waitForText('.messages', 'It is sunny.');
      const text = await page.waitForText('.messages', 'Tool call: weather');
      expect(text).toContain('Result of weather');
      expect(text).not.toContain('The answer is empty.');
      await capture(page, 'light-tools');
    });

    it('keeps an incomplete answer when the host is killed, and when the browser is closed', async () => {
      const page = await openChat(TICKING);
      await page.fill('textarea', 'What does a clock say?');
      await page.click('form [type=submit]');
      await page.waitForText('.answer', 'tick tock tick');
      // The host stores an answer about once a second.
      let stored = '';
      while (stored === '') stored = (await storedMessages(page))[1]?.content ?? '';
      const { pid } = (await page.request('PING')) as { pid: number };
      process.kill(pid, 'SIGKILL');
      await page.waitForText('[data-cut=stopped]', 'Stopped.');
      await page.waitForText('.answer', 'tick tock tick');
      await page.request('LOAD_MODEL', { modelPath: TICKING, settings: { n_threads: 1, n_ctx: 32_768 } });
      await page.click('[data-cut] button:not(:disabled)');
      await page.waitForElement('.composer [aria-label="Stop"]');
      await fixture.closeBrowser();

      const again = await fixture.page('sidepanel.html');
      await again.waitForText('header', 'Connected');
      await again.click('header .buttons button');
      await again.waitForText('.row .open', 'What does a clock say?');
      await again.click('.row .open');
      await again.waitForText('[data-cut=stopped]', 'Stopped.');
      await again.waitForText('.answer', 'tick tock tick');
    });

    it('does not store a temporary chat', async () => {
      const page = await openChat(TICKING);
      await page.request('SET_PARAMS', { params: { max_new_tokens: 20 } });
      await choose(page, CONVERSATION_MENU, 'Temporary chat');
      await page.waitForText('[data-temporary]', 'This chat is not saved.');
      await page.fill('textarea', 'What does a clock say?');
      await page.click('form [type=submit]');
      await page.waitForText('[data-cut=length]');
      const before = await page.waitForText('.answer .markdown', 'tick tock');
      await capture(page, 'light-temporary');
      await page.click('[data-cut] button');
      await page.waitFor(`document.querySelector('.answer .markdown').innerText.length > ${before.length}`);
      await page.waitForText('[data-cut=length]');
      expect(await page.waitForText('.answer .markdown')).toContain(before);
      await page.request('SET_PARAMS', { params: { max_new_tokens: 1_000_000 } });
      await page.click('.answer button[aria-label="Retry"]');
      await page.waitFor(`document.querySelector('.answer .markdown').innerText.length > 200`);
      await page.press('Escape');
      await page.waitForText('[data-cut=stopped]', 'Stopped.');
      expect(await page.evaluate(`document.querySelectorAll('.question').length`)).toBe(1);
      expect(await page.request('LIST_CONVERSATIONS')).toMatchObject({ conversations: [] });
      await page.click('header [aria-label="New chat"]');
      await page.waitFor(`document.querySelector('.question') === null`);
    });

    it('fits a narrow window in dark mode', async () => {
      fixture.install();
      const page = await fixture.page('sidepanel.html', { dark: true, size: { width: 320, height: 580 } });
      await page.waitForText('header', 'Connected');
      await page.request('LOAD_MODEL', { modelPath: THINKING, settings: { n_threads: 1, n_ctx: 512 } });
      await page.waitForText('[data-privacy]', 'Runs on this computer.');
      await ask(page, 'Why is the sky blue, and why is it red in the evening?');
      await page.click('.answer button[aria-label="Retry"]');
      await page.waitForText('.answer .versions', '2 / 2');
      await page.waitForElement('.composer [type=submit]');
      await capture(page, 'dark-narrow-chat');
      expect(await page.evaluate('document.scrollingElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    });

    it('reports a message that is too long, and continues afterwards', async () => {
      const page = await openChat(SMALL_CONTEXT);
      await page.fill('textarea', 'word '.repeat(2_000));
      await page.click('form [type=submit]');
      const text = await page.waitForText('.unanswered', 'too long for the model’s current context');
      expect(text).not.toContain('CONTEXT_OVERFLOW');
      expect(text).toMatch(/Reload with [\d,]+ tokens/);
      await capture(page, 'light-too-long');
      expect(await page.evaluate('document.scrollingElement.scrollHeight - innerHeight')).toBeLessThanOrEqual(0);
      const press = (label: string) =>
        page.waitFor(
          `[...document.querySelectorAll('.unanswered button')].find(({ innerText }) => innerText === ${JSON.stringify(label)}).click() === undefined`,
        );
      await press('Retry');
      await page.waitForText('.unanswered', 'too long for the model’s current context');
      expect((await storedMessages(page)).map(({ status }) => status)).toEqual(['done', 'failed']);
      await press('Edit');
      await page.waitFor(`document.querySelector('textarea').value.startsWith('word word')`);
      expect(await storedMessages(page)).toEqual([]);
      await page.click('form [type=submit]');
      await page.waitForText('.unanswered', 'too long for the model’s current context');
      await press('Remove');
      await page.waitFor(`document.querySelector('.question') === null`);
      await ask(page, 'Short.');
      expect(await storedMessages(page)).toHaveLength(2);
    });

    it('leaves out the oldest messages when the context is full, and reports it', async () => {
      const page = await openChat(SMALL_CONTEXT);
      await ask(page, 'Short.');
      const turn = [
        { role: 'user', content: 'word '.repeat(60) },
        { role: 'assistant', content: 'word '.repeat(60) },
      ];
      await page.request('ADD_MESSAGES', { id: await newestId(page), messages: Array(6).fill(turn).flat() });
      await page.waitFor(`document.querySelectorAll('.question').length === 7`);
      await ask(page, 'After many messages.');
      await page.waitForText('[data-trimmed]', 'no longer sent');
      const stored = await storedMessages(page);
      expect(stored.at(-2)?.content).toBe('After many messages.');
    });

    it('loads the model that is chosen in the panel', async () => {
      const page = await openChat();
      await page.request('DOWNLOAD_MODEL', { modelPath: TICKING });
      await page.click('.picker');
      await page.waitForText('[role=menu]:popover-open', 'ticking');
      await capture(page, 'light-model-picker');
      await page.press('ArrowDown');
      await page.press('Enter');
      await page.waitForText('.picker', 'ticking');
      await page.waitFor(`document.activeElement.matches('.picker')`);
    });

    it('attaches pasted text files, and rejects other files', async () => {
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

    it('shows where messages are sent, and answers with a remote engine', async () => {
      const engine = fixture.use(await startMock());
      await fixture.configure({ remoteEngines: [{ name: 'cloud', url: engine.url }] });
      fixture.install();
      const page = await fixture.page('sidepanel.html');
      await page.waitForText('header', 'Connected');
      const { models } = (await page.request('GET_MODELS_BY_TYPE', { modelType: 'remote' })) as {
        models: { id: string }[];
      };
      await page.request('LOAD_MODEL', { modelPath: models[0]?.id });
      await page.waitForText('[data-privacy]', `Sent to cloud at ${new URL(engine.url).host}.`);
      await capture(page, 'light-remote');
      await ask(page, 'How is the weather?');
      expect((await storedMessages(page))[1]?.content).toBe(ANSWERS.weather);
    });
  });
}
