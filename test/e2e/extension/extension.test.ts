import { kill } from 'node:process';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeWith } from '../../support/describe-where.ts';
import { ExtensionBench, TRIED_BROWSERS } from '../../support/extension/bench.ts';
import type { SeenPage } from '../../support/extension/seen-page.ts';
import { ENDLESS } from '../../support/gguf/chains.ts';
import { type Chain, markovModel, START } from '../../support/gguf/markov-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';

const REPO = 'tabagent/markov-gguf';
const LARGE = `${REPO}/large.gguf`;
const TICKING = `${REPO}/ticking.gguf`;
const HOSTILE = `${REPO}/hostile.gguf`;

/** Whatever is asked, the answer begins where the chain does. */
const FROM_THE_START = { 'tokenizer.chat_template': string('{{ bos_token }}') };

/** What a page must never take for more than text. */
const ATTACK = ["<img/src=x/onerror=document.title='owned'>", "<script>document.title='owned'</script>"] as const;
const HOSTILE_CHAIN: Chain = {
  [START]: { [ATTACK[0]]: 1 },
  [ATTACK[0]]: { [ATTACK[1]]: 1 },
  [ATTACK[1]]: { '[here](javascript:alert(1))': 1 },
  '[here](javascript:alert(1))': { '': 1 },
};

const FILES = {
  'ticking.gguf': markovModel({ chain: ENDLESS, contextLength: 32_768, metadata: FROM_THE_START }),
  'hostile.gguf': markovModel({ chain: HOSTILE_CHAIN, metadata: FROM_THE_START }),
  // A model of more than one chunk: what follows its tensors does no harm.
  'large.gguf': Buffer.concat([markovModel(), Buffer.alloc(12_000_000, 7)]),
};

/** Where a download stops until all is well again, bytes of each answer. */
const STALL = { kind: 'stall', after: 1_000_000, match: ({ server }: { server: string }) => server === 'cdn' } as const;

const row = (id: string) => `[data-model="${id}"]`;
const rowAt = (id: string, stage: string) => `${row(id)}[data-stage="${stage}"]`;

for (const tried of TRIED_BROWSERS) {
  describeWith(`the extension in ${tried.name}`, tried.programs, (program) => {
    let bench: ExtensionBench;
    beforeEach(async () => {
      bench = await ExtensionBench.open(tried, program, { repos: { [REPO]: { files: FILES } } });
    });
    afterEach(() => bench.close());

    /** Keeps what is seen, and makes sure that everybody can use it. */
    async function keep(page: SeenPage, name: string): Promise<void> {
      await page.keep(`${tried.name}-${name}`);
      expect(await page.barriers()).toEqual([]);
    }

    /** A page of a browser that has the host, with models in its list. */
    async function ready(path: string, ...models: string[]): Promise<SeenPage> {
      bench.install();
      const page = await bench.page(path);
      for (const id of models) await page.ask('ADD_MODEL_TO_LIST', { model: { id } });
      for (const id of models) await page.has(row(id));
      return page;
    }

    it('says what mends it where there is no host, and goes on once it is installed', async () => {
      const page = await bench.page('popup.html');
      expect(await page.reads('section', 'not installed')).toContain('tabagent-host install');
      await keep(page, 'light-no-host');
      bench.install();
      // It is also tried by itself: the button may be gone already.
      await page.evaluate(`document.querySelector('section .foot button')?.click()`);
      await page.reads('header', 'Connected');
      await page.has(row('Qwen/Qwen2.5-1.5B-Instruct-GGUF/qwen2.5-1.5b-instruct-q4_k_m.gguf'));
      await page.until(`document.querySelector('section') === null`);
      await keep(page, 'light-models');
    });

    it('says before a download whether it fits, shows its progress, pauses, resumes and cancels it', async () => {
      const page = await ready('popup.html', LARGE);
      bench.hub.fault(STALL);
      await page.fill('input[type=search]', 'large markov');
      await page.click(`${row(LARGE)} .actions button`);
      expect(await page.reads('dialog .fit', 'Fits')).toContain('RAM');
      await keep(page, 'light-before-download');
      await page.click('dialog footer button');
      await page.reads(rowAt(LARGE, 'downloading'), ' of 14 MB');
      await page.until(`document.querySelector('[role=progressbar]').ariaValueNow > 0`);
      await keep(page, 'light-downloading');

      await page.click(`${rowAt(LARGE, 'downloading')} .actions button:first-child`);
      await page.reads(rowAt(LARGE, 'paused'), 'Paused');
      await keep(page, 'light-paused');
      await page.click(`${rowAt(LARGE, 'paused')} .actions button:last-child`);
      await page.has(rowAt(LARGE, 'available'));

      await page.click(`${row(LARGE)} .actions button`);
      await page.click('dialog footer button');
      await page.has(rowAt(LARGE, 'downloading'));
      await page.click(`${rowAt(LARGE, 'downloading')} .actions button:first-child`);
      await page.has(rowAt(LARGE, 'paused'));
      bench.hub.heal();
      await page.click(`${rowAt(LARGE, 'paused')} .actions button:first-child`);
      await page.has(rowAt(LARGE, 'downloaded'));
    });

    it('loads a model, shows its memory, generates, stops, and unloads', async () => {
      const page = await ready('popup.html', TICKING);
      await page.fill('input[type=search]', 'ticking');
      await page.click(`${row(TICKING)} .actions button`);
      await page.click('dialog footer .primary');
      expect(await page.reads(rowAt(TICKING, 'loaded'), 'Active')).toContain('RAM');
      await page.until(`document.querySelector('[data-memory] [role=meter]').ariaLabel.includes('models:')`);
      await keep(page, 'light-loaded');

      await page.click('#tab-try');
      await page.fill('textarea', 'What does a clock say?');
      await page.click('.foot .primary');
      await page.reads('.output', 'tick tock tick tock tick');
      await keep(page, 'light-generating');
      await page.click('.foot button');
      await page.has('.foot .primary');

      await page.click('#tab-models');
      await page.click(`${rowAt(TICKING, 'loaded')} .actions button`);
      await page.has(rowAt(TICKING, 'downloaded'));
    });

    it('has every view in dark colours too', async () => {
      bench.install();
      const popup = await bench.page('popup.html', { dark: true });
      await popup.ask('LOAD_MODEL', { modelPath: TICKING, settings: { n_threads: 1 } });
      await popup.has(rowAt(TICKING, 'loaded'));
      await keep(popup, 'dark-models');
      await popup.click('#tab-machine');
      await popup.reads('.machine', 'Processor');
      await keep(popup, 'dark-machine');
      const settings = await bench.page('options.html');
      await settings.reads('main', 'Temperature');
      await keep(settings, 'dark-settings');
      const chat = await bench.page('sidepanel.html');
      await chat.fill('textarea', 'What does a clock say?');
      await chat.click('form button');
      await chat.reads('.answer', 'tick tock tick');
      await chat.click('form button');
      await chat.has('form button[type=submit]');
      await keep(chat, 'dark-chat');
      const ground = 'getComputedStyle(document.documentElement).backgroundColor';
      expect(await chat.evaluate(ground)).toBe('rgb(20, 21, 28)');
    });

    it('says what takes room on the disk and what can go, keeps what is pinned, and removes the rest', async () => {
      bench.install();
      const page = await bench.page('options.html');
      for (const id of [LARGE, TICKING]) await page.ask('DOWNLOAD_MODEL', { modelPath: id });
      const settings = await bench.page('options.html');
      await settings.click('details:has(.list) summary');
      await settings.click('.list li:first-child button');
      await settings.has('.list [aria-pressed=true]');
      await settings.fill('input[type=number]', '0');
      await settings.click('main form:has(input[type=number]) button');
      expect(await settings.reads('main', 'Would go: 1,')).toContain('Used by models');
      await keep(settings, 'light-storage');
      await settings.click('.danger');
      await settings.reads('main', 'freed.');
      await settings.until(`document.querySelectorAll('.list li').length === 1`);
    });

    it('goes on with a download when the host is killed in its middle', async () => {
      const page = await ready('popup.html', LARGE);
      bench.hub.fault(STALL);
      await page.click(`${row(LARGE)} .actions button`);
      await page.click('dialog footer button');
      await page.until(`document.querySelector('[role=progressbar]').ariaValueNow > 0`);
      const { pid } = (await page.ask('PING')) as { pid: number };
      bench.hub.heal();
      kill(pid, 'SIGKILL');
      await page.reads('section', 'being started again');
      await page.has(rowAt(LARGE, 'downloaded'));
      expect(((await page.ask('PING')) as { pid: number }).pid).not.toBe(pid);
    });

    it('shows in every window what was done in one', async () => {
      const one = await ready('popup.html', TICKING);
      const two = await bench.page('popup.html');
      await one.click(`${row(TICKING)} .actions button`);
      await one.click('dialog footer .primary');
      await two.has(rowAt(TICKING, 'loaded'));
      await two.click(`${rowAt(TICKING, 'loaded')} .actions button`);
      await one.has(rowAt(TICKING, 'downloaded'));
    });

    it('takes whatever a model writes for text, and keeps the conversation', async () => {
      const page = await ready('sidepanel.html');
      await page.ask('LOAD_MODEL', { modelPath: HOSTILE, settings: { n_threads: 1 } });
      await page.fill('textarea', 'Be hostile.');
      await page.click('form button');
      const answer = await page.reads('.answer .markdown', 'javascript:alert');
      for (const text of ATTACK) expect(answer).toContain(text);
      expect(await page.evaluate(`document.querySelectorAll('.said :is(img, script, a)').length`)).toBe(0);
      await keep(page, 'light-chat');
      expect(await page.evaluate('document.title')).not.toBe('owned');

      const again = await bench.page('sidepanel.html');
      await again.click('header .buttons button');
      await again.has('.row .open');
      await again.fill('search input[type=search]', 'nobody said this');
      await again.until(`document.querySelector('.row') === null`);
      await keep(again, 'light-nothing-found');
      await again.fill('search input[type=search]', 'hostile');
      await again.has('.row .open');
      // The model in memory can make vectors, so what was said is also found by what it means.
      await again.click('search input[type=checkbox]');
      await again.fill('search input[type=search]', 'unfriendly');
      await again.has('.row .open');
      await keep(again, 'light-conversations');
      await again.click('.row .open');
      expect(await again.reads('.said', 'javascript:alert')).toContain('Be hostile.');
    });
  });
}
