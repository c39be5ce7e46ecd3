import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { MAX_PENDING } from '../../../extension/web-ai/names.ts';
import { describeIfInstalled } from '../../support/describe-unless.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { MODELS, modelId, REPO } from '../../support/extension/models.ts';
import type { PageDriver } from '../../support/extension/page-driver.ts';
import { hasPath, outcome, REPORT_FUNCTION, TestSite, whenSet } from '../../support/extension/test-site.ts';

/** A frame that tells its parent whether it can use a model. */
const FRAME = `<!doctype html><script>
  const tell = (it) => parent.postMessage(it, '*');
  if (typeof LanguageModel === 'undefined' || String(LanguageModel).includes('native code')) tell('no interface');
  else LanguageModel.availability().then(async (it) => tell([it, await LanguageModel.create().then(() => 'created', ({ name }) => name)]));
</script>`;

/** A page that generates an answer until it enters the back/forward cache, and another one when it is restored. */
const CACHED = `<!doctype html><title>Cached</title><script>
  ${REPORT_FUNCTION}
  const firstChunk = async () => {
    for await (const chunk of session.promptStreaming('Tick')) return chunk;
  };
  addEventListener('pageshow', async ({ persisted }) => {
    if (typeof Summarizer === 'undefined' || String(Summarizer).includes('native code')) return;
    if (persisted) {
      report({ ended: await window.ended, again: (await firstChunk().catch(({ name }) => name)) });
      return;
    }
    window.session = await LanguageModel.create();
    const reader = session.promptStreaming('Tick').getReader();
    await reader.read();
    const drain = async () => {
      while (!(await reader.read()).done);
      return 'done';
    };
    window.ended = drain().catch(({ name }) => name);
    report('answering');
  });
</script>`;

for (const kind of BROWSERS.filter(({ name }) => name === 'chromium')) {
  describeIfInstalled(`hostile web pages in ${kind.name}`, kind.programs, (program) => {
    let fixture: BrowserFixture;
    let site: TestSite;

    beforeEach(async () => {
      fixture = await BrowserFixture.open(kind, program, { repos: { [REPO]: { files: MODELS } } });
      site = fixture.use(await TestSite.open({ '/frame': FRAME, '/cached': CACHED }));
      fixture.useBackForwardCache();
      fixture.install();
    });
    afterEach(() => fixture.close());

    /** Stores which sites are allowed, as the popup does. Resolves once their scripts are registered. */
    async function setAllowed(popup: PageDriver, origins: readonly string[]): Promise<void> {
      const callers = origins.map((id) => ({ kind: 'site', id, state: 'allowed', model: null }));
      await popup.evaluate(
        `chrome.storage.local.set({ callerAccess: ${JSON.stringify({ callers, keepsNative: false })} }).then(() => true)`,
      );
      const hosts = [...new Set(origins.map((origin) => `http://${new URL(origin).hostname}/*`))].sort();
      await popup.waitFor(
        `chrome.scripting.getRegisteredContentScripts().then(([script]) => JSON.stringify([...script.matches].sort()) === ${JSON.stringify(JSON.stringify(hosts))})`,
      );
    }

    it('are served in frames only if both sites are allowed and the embedding page delegates the feature', async () => {
      const { web, popup } = await site.allow(fixture);
      const frame = (allows: string) => `new Promise((resolve) => {
        addEventListener('message', ({ data }) => resolve(data), { once: true });
        const frame = document.createElement('iframe');
        frame.allow = ${JSON.stringify(allows)};
        frame.src = ${JSON.stringify(`${site.otherOrigin}/frame`)};
        document.body.append(frame);
      })`;
      expect(await outcome(web, frame('language-model'))).toBe('no interface');

      await fixture.allow(site.otherOrigin);
      await setAllowed(popup, [site.origin, site.otherOrigin]);
      expect(await outcome(web, frame(''))).toEqual(['unavailable', 'NotAllowedError']);
      expect(await outcome(web, frame('language-model'))).toEqual(['available', 'created']);

      await setAllowed(popup, [site.otherOrigin]);
      expect(await outcome(web, frame('language-model'))).toEqual(['unavailable', 'NotAllowedError']);
    });

    it('cannot do more with the port of the interfaces than with the interfaces', async () => {
      const { web } = await site.allow(fixture);
      // The page intercepts the port, and sends messages of its own.
      await web.evaluate(`(() => {
        window.heard = [];
        for (const type of ['tabagent:offer', 'tabagent:ask']) document.addEventListener(type, () => heard.push(type));
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => heard.push(data);
        document.dispatchEvent(new MessageEvent('tabagent:offer', { ports: [port2] }));
        heard.length = 0;
        port1.postMessage(JSON.stringify({ id: 1, verb: 'availability', feature: 'language-model' }));
        window.postMessage(JSON.stringify({ id: 2, verb: 'availability', feature: 'language-model' }), '*');
        const { postMessage } = MessagePort.prototype;
        MessagePort.prototype.postMessage = function (...parameters) {
          window.own = this;
          return postMessage.apply(this, parameters);
        };
        let id = 9e9;
        window.send = (fields) => new Promise((resolve) => {
          const own = ++id;
          window.own.addEventListener('message', ({ data }) => {
            const message = JSON.parse(data);
            if (message.id === own && message.kind !== 'progress' && message.kind !== 'fitted') resolve(message.name ?? message);
          });
          window.own.postMessage(JSON.stringify({ id: own, feature: 'language-model', ...fields }));
        });
        return true;
      })()`);
      expect(await outcome(web, 'LanguageModel.availability()')).toBe('available');
      expect(await web.evaluate('window.heard')).toEqual([]);
      const runtime = `[globalThis.chrome?.runtime?.connect, globalThis.browser].map((it) => it === undefined)`;
      expect(await web.evaluate(runtime)).toEqual([true, true]);

      for (const action of ['GENERATE', 'LOAD_MODEL', 'LIST_CONVERSATIONS', 'constructor', '']) {
        expect([action, await outcome(web, `send({ verb: ${JSON.stringify(action)}, modelPath: 'x' })`)]).toEqual([
          action,
          'DataError',
        ]);
      }
      expect(await outcome(web, `send({ verb: 'create', feature: 'toString' })`)).toBe('NotAllowedError');
    });

    it('are limited in requests, size and number of sessions', async () => {
      const { web, popup } = await site.allow(fixture, { model: modelId('ticking.gguf') });
      const sent = 200;
      await web.evaluate(`LanguageModel.create().then((session) => {
        window.ends = [];
        window.controller = new AbortController();
        const { signal } = window.controller;
        for (let index = 0; index < ${sent}; index += 1) {
          session.clone().then((clone) => clone.prompt('Tick', { signal })).catch(({ name }) => window.ends.push(name));
        }
        return true;
      })`);
      await web.evaluate(
        `new Promise((resolve) => { const look = () => (ends.length >= ${sent - MAX_PENDING} ? resolve(true) : setTimeout(look, 20)); look(); })`,
      );
      expect(await web.evaluate('[window.ends.length, ...new Set(window.ends)]')).toEqual([
        sent - MAX_PENDING,
        'OperationError',
      ]);
      // The flood does not keep the user's own requests waiting.
      expect(await popup.request('PING')).toMatchObject({});
      await popup.waitForText('.site', 'Answering');
      await web.evaluate('window.controller.abort()');
      await popup.waitFor(`!document.querySelector('.site').innerText.includes('Answering')`);
      expect(await popup.request('STOP_GENERATION')).toMatchObject({ stopped: 0 });

      expect(await outcome(web, `LanguageModel.create().then((s) => s.prompt('x'.repeat(20_000_000)))`)).toBe(
        'QuotaExceededError',
      );
      const many = `Array.from({ length: 1_001 }, () => ({ role: 'user', content: 'x' }))`;
      expect(await outcome(web, `LanguageModel.create({ initialPrompts: ${many} })`)).toBe('QuotaExceededError');
      // Sessions are objects of the page, so those that it never destroys use nothing elsewhere.
      const sessions = `(async () => { window.sessions = []; for (let index = 0; index < 300; index += 1) sessions.push(await LanguageModel.create()); return sessions.length; })()`;
      expect(await outcome(web, sessions)).toBe(300);
      expect(
        await outcome(
          web,
          `(async () => { for await (const chunk of sessions[299].promptStreaming('Tick')) return chunk; })()`,
        ),
      ).toMatch(/tick/);
    });

    it('lose their answer when the user revokes the permission while it is generated', async () => {
      const { web, popup } = await site.allow(fixture, { model: modelId('ticking.gguf') });
      await web.evaluate(`LanguageModel.create().then((session) => {
        session.prompt('Tick').then((text) => { window.ended = text; }, (error) => { window.ended = error.name; });
        return true;
      })`);
      await popup.waitForText('.site', 'Answering');
      await popup.click('.site [aria-label^="Remove access"]');
      expect(await whenSet(web, 'ended')).toBe('NotAllowedError');
      expect(await popup.request('STOP_GENERATION')).toMatchObject({ stopped: 0 });
    });

    it('use no model in the back/forward cache, and can use it when they are restored', async () => {
      const { web, popup } = await site.allow(fixture, { path: '/cached', model: modelId('ticking.gguf') });
      expect(await site.report()).toBe('answering');
      await popup.waitForText('.site', 'Answering');
      await web.evaluate(`setTimeout(() => { location.href = '/other'; }) && true`);
      await hasPath(web, '/other');
      await popup.waitFor(`!document.querySelector('.site').innerText.includes('Answering')`);
      expect(await popup.request('STOP_GENERATION')).toMatchObject({ stopped: 0 });
      await web.evaluate(`setTimeout(() => history.back()) && true`);
      expect(await site.report()).toMatchObject({ ended: 'UnknownError', again: expect.stringContaining('tick') });
    });
  });
}
