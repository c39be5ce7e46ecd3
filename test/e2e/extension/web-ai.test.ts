import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { WebPage } from '../../support/browser/browser.ts';
import { describeIfInstalled } from '../../support/describe-unless.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { MODELS, modelId, REPO } from '../../support/extension/models.ts';
import type { PageDriver } from '../../support/extension/page-driver.ts';

const DEMO = fileURLToPath(new URL('../../demo-page/index.html', import.meta.url));

/** A page with frames that records which interfaces exist before its own code runs. */
const PAGE = `<!doctype html><title>Site</title><script>window.early = typeof Summarizer;</script><p>Site</p>`;

for (const kind of BROWSERS) {
  describeIfInstalled(`models for web pages in ${kind.name}`, kind.programs, (program) => {
    let fixture: BrowserFixture;
    let site: string;

    beforeEach(async () => {
      fixture = await BrowserFixture.open(kind, program, { repos: { [REPO]: { files: MODELS } } });
      const demo = await readFile(DEMO);
      const server = createServer((request, response) => {
        // A strict content security policy does not block the extension's scripts.
        const policy = request.url === '/strict' ? { 'content-security-policy': "script-src 'unsafe-inline'" } : {};
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...policy });
        response.end(request.url === '/demo' ? demo : PAGE);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      fixture.use({ close: () => new Promise((resolve) => server.close(resolve)) });
      fixture.install();
    });
    afterEach(() => fixture.close());

    /** Allows the site in the popup, with a loaded model; returns its page, loaded again, and the popup. */
    async function allow(path = '/', model = modelId('story.gguf')): Promise<{ web: WebPage; popup: PageDriver }> {
      await fixture.allow(site);
      const web = await fixture.webPage(site + path);
      await web.useExtension();
      const popup = await fixture.page('popup.html');
      await popup.waitForText('header', 'Connected');
      await popup.request('LOAD_MODEL', { modelPath: model, settings: { n_threads: 1, n_ctx: 512 } });
      await popup.click('.site button');
      await popup.waitForText('.site', 'may use your models');
      await popup.waitFor(`chrome.scripting.getRegisteredContentScripts().then(({ length }) => length === 2)`);
      await popup.click('.site .button.primary');
      await reloaded(web);
      return { web, popup };
    }

    /** Resolves once the page has been loaded with the interfaces. */
    async function reloaded(web: WebPage): Promise<void> {
      for (;;) {
        const isThere = `typeof Summarizer === 'function' && !String(Summarizer).includes('native code')`;
        if (await web.evaluate(`${isThere} && document.readyState === 'complete'`).catch(() => false)) return;
      }
    }

    /** Returns the value of a promise in the page, or the name of the error. */
    const outcome = (web: WebPage, expression: string) =>
      web.evaluate(`(async () => { try { return await (${expression}); } catch (error) { return error.name; } })()`);

    async function capture(page: PageDriver, name: string): Promise<void> {
      await page.saveScreenshot(`${kind.name}-${name}`);
      expect(await page.accessibilityViolations()).toEqual([]);
    }

    it('are available only to sites that the user allows, until the permission is revoked', async () => {
      const before = await fixture.webPage(site);
      expect(
        await before.evaluate(
          `typeof window.Summarizer === 'undefined' || String(window.Summarizer).includes('native code')`,
        ),
      ).toBe(true);
      await before.close();

      const { web, popup } = await allow('/strict');
      // It existed before the page's own code ran.
      expect(await web.evaluate('window.early')).toBe('function');
      expect(await outcome(web, 'LanguageModel.availability()')).toBe('available');
      expect(await outcome(web, `LanguageModel.create().then((s) => (window.session = s).prompt('Hello'))`)).toMatch(
        /once/,
      );
      await popup.waitForText('.site', 'Today: 1 answer');
      await capture(popup, 'light-site-allowed');

      await popup.click('.site [aria-label^="Remove access"]');
      await popup.waitForText('.site', 'cannot use your models');
      await popup.waitFor(`chrome.scripting.getRegisteredContentScripts().then(({ length }) => length === 0)`);
      await capture(popup, 'light-site-not-allowed');
      expect(await outcome(web, `window.session.prompt('Again')`)).toBe('NotAllowedError');
      expect(await outcome(web, 'LanguageModel.availability()')).toBe('unavailable');
    });

    it('stream answers, report progress, and follow a schema or pattern', async () => {
      const { web } = await allow();
      const run = (expression: string) => outcome(web, expression);
      await run(
        `LanguageModel.create({ monitor: (m) => m.addEventListener('downloadprogress', (e) => { (window.progress ??= []).push(e.loaded); }) }).then((s) => { window.session = s; })`,
      );
      expect(await run('window.progress')).toEqual([0, 1]);
      const chunks = (await run(`Array.fromAsync(session.promptStreaming('Tell me a story'))`)) as string[];
      expect(chunks.join('')).toMatch(/^once/);
      expect(await run(`session.prompt('Which?', { responseConstraint: /hello|bye/ })`)).toMatch(/^(hello|bye)$/);
      const schema = `{ type: 'object', required: ['rating'], additionalProperties: false, properties: { rating: { enum: [1, 2, 3] } } }`;
      const rated = String(await run(`session.prompt('Rate it', { responseConstraint: ${schema} })`));
      expect([1, 2, 3]).toContain(JSON.parse(rated).rating);
      const prefix = `[{ role: 'user', content: 'Rate it' }, { role: 'assistant', content: '{ "rating": ', prefix: true }]`;
      const rest = String(await run(`session.prompt(${prefix}, { responseConstraint: ${schema} })`));
      expect([1, 2, 3]).toContain(JSON.parse(`{ "rating": ${rest}`).rating);
      expect(await run(`session.prompt('x', { responseConstraint: { type: 'soup' } })`)).toBe('NotSupportedError');
      expect(await run(`session.prompt('x'.repeat(20000))`)).toBe('QuotaExceededError');
      expect(await run(`session.prompt('x', { signal: AbortSignal.abort() })`)).toBe('AbortError');
      expect(await run(`Summarizer.create().then((s) => s.summarize('A long text about clocks.'))`)).toMatch(/once/);
      expect(
        await run(
          `LanguageDetector.create().then((d) => d.detect('Das ist ein deutscher Text, den jemand geschrieben hat.')).then(([first]) => first.detectedLanguage)`,
        ),
      ).toBe('de');
    });

    it('serve frames of the site, except sandboxed ones', async () => {
      const { web } = await allow();
      const frame = (markup: string) => `new Promise((resolve) => {
        addEventListener('message', ({ data }) => resolve(data), { once: true });
        const frame = document.createElement('iframe');
        ${markup}
        frame.srcdoc = '<script>LanguageModel.availability().then((it) => parent.postMessage(it, "*"), (error) => parent.postMessage(error.name, "*"))</' + 'script>';
        document.body.append(frame);
      })`;
      expect(await outcome(web, frame(''))).toBe('available');
      expect(await outcome(web, frame(`frame.sandbox = 'allow-scripts';`))).toBe('unavailable');
      const empty = `(() => { const frame = document.createElement('iframe'); document.body.append(frame); return frame.contentWindow.LanguageModel.availability(); })()`;
      expect(await outcome(web, empty)).toBe('available');
    });

    it('stop an answer when the user asks for it', async () => {
      const { web, popup } = await allow('/', modelId('ticking.gguf'));
      await web.evaluate(`(async () => {
        const session = await LanguageModel.create();
        session.prompt('Tick').then((text) => { window.ended = text; }, (error) => { window.ended = error.name; });
        return true;
      })()`);
      await popup.waitForText('.site', 'Answering');
      await popup.click('.site [aria-label^="Stop "]');
      await popup.waitFor(`!document.querySelector('.site').innerText.includes('Answering')`);
      const ended = await web.evaluate(
        `new Promise((resolve) => { const look = () => (window.ended === undefined ? setTimeout(look, 20) : resolve(window.ended)); look(); })`,
      );
      expect(ended).toBe('AbortError');
    });

    it('continue after the page was restored from the back/forward cache', async () => {
      const { web } = await allow();
      await web.evaluate(`LanguageModel.create().then((s) => { window.session = s; return true; })`);
      await web.evaluate(`setTimeout(() => { location.href = '/other'; }) && true`);
      await waitForPath(web, '/other');
      await web.evaluate(`setTimeout(() => history.back()) && true`);
      await waitForPath(web, '/');
      // Works whether or not the browser cached the page.
      const again = `(window.session ?? (await LanguageModel.create())).prompt('Hello')`;
      expect(await outcome(web, `(async () => ${again})()`)).toMatch(/once/);
    });

    async function waitForPath(web: WebPage, path: string): Promise<void> {
      for (;;) {
        const there = await web.evaluate('location.pathname + document.readyState').catch(() => '');
        if (there === `${path}complete`) return;
      }
    }

    it('work in the demo page', async () => {
      const { web } = await allow('/demo');
      await web.click('#run');
      const text = await web.evaluate(
        `new Promise((resolve) => { const look = () => { const { innerText } = document.querySelector('#answer'); if (document.body.dataset.state === 'done') resolve(innerText); else setTimeout(look, 20); }; look(); })`,
      );
      expect(text).toMatch(/once/);
    });

    it('are listed with all callers in the settings, which the keyboard can operate', async () => {
      await allow();
      const options = await fixture.page('options.html#callers');
      await options.waitForText('#callers', site);
      await capture(options, 'light-callers');
      await options.evaluate(`document.querySelector('#callers [aria-label^="Remove access"]').focus()`);
      await options.press('Enter');
      await options.waitForText('#callers', 'None yet');
      await options.waitForText('.toasts', 'can no longer use your models');
    });
  });
}
