import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NO_ACCESS, originOf, patternOf } from '../../../extension/web-ai/access.ts';
import { bridge } from '../../../extension/web-ai/bridge.ts';
import { MAX_PAGE_MESSAGE, MAX_PENDING, OFFER_EVENT } from '../../../extension/web-ai/names.ts';
import { openConnection } from '../../../extension/web-ai/page/connection.ts';
import { languagesOf } from '../../../extension/worker/callers/detected-languages.ts';
import { SiteScripts, scriptsFor } from '../../../extension/worker/callers/site-scripts.ts';
import { FakeCaller } from '../../support/extension/fake-caller.ts';

// biome-ignore lint/suspicious/noExplicitAny: the parts of a window that the bridge uses.
type Any = any;

/** A window with a document, as both worlds of a page see it. */
function fakeWindow(policy: Record<string, boolean> | undefined): Any {
  const window: Any = new EventTarget();
  window.document = new EventTarget();
  if (policy !== undefined) {
    window.document.featurePolicy = {
      features: () => Object.keys(policy),
      allowsFeature: (name: string) => policy[name],
    };
  }
  window.origin = 'https://a.test';
  window.top = window;
  window.navigator = { userActivation: { isActive: true } };
  return window;
}

describe('the bridge between a page and the worker', () => {
  let window: Any;
  let workers: FakeCaller[];
  /** The messages that the worker has received. */
  let received: Any[];

  /** The ports of the pages. They keep the process alive until they are closed. */
  let offered: MessagePort[];

  beforeEach(() => {
    workers = [];
    received = [];
    offered = [];
    window = fakeWindow({ 'language-model': true, summarizer: false });
  });

  afterEach(() => {
    for (const port of offered) port.close();
  });

  /** Connects both worlds. `FakeCaller` is the worker's end here. */
  function connect(isPageFirst = false) {
    const makeBridge = () =>
      bridge(window, () => {
        const worker = new FakeCaller();
        workers.push(worker);
        return { ...worker.port, postMessage: (message: object) => void received.push(message) };
      });
    window.document.addEventListener(OFFER_EVENT, ({ ports }: MessageEvent) => offered.push(...ports));
    if (!isPageFirst) makeBridge();
    const clientFor = openConnection(window);
    if (isPageFirst) makeBridge();
    return clientFor;
  }

  const answer = (result: object) => workers.at(-1)?.send({ id: received.at(-1).id, kind: 'done', result });
  const arrived = async (count: number) => {
    while (received.length < count) await new Promise((resolve) => setTimeout(resolve));
  };

  it.each([false, true])('works whichever world loads first (page first: %s)', async (isPageFirst) => {
    const client = connect(isPageFirst)('language-model');
    const asked = client.request('availability', {});
    await arrived(1);
    expect(received[0]).toMatchObject({ verb: 'availability', isActivated: true });
    expect(received[0]).not.toHaveProperty('feature');
    answer({ availability: 'available' });
    expect(await asked).toEqual({ availability: 'available' });
  });

  it('accepts only the first connection, which precedes any code of the page', async () => {
    const client = connect()('language-model');
    const { port1, port2 } = new MessageChannel();
    window.document.dispatchEvent(Object.assign(new Event(OFFER_EVENT), { ports: [port2] }));
    port1.postMessage(JSON.stringify({ id: 1, verb: 'availability', feature: 'language-model' }));
    const asked = client.request('availability', {});
    await arrived(1);
    answer({});
    await asked;
    expect(received).toHaveLength(1);
    port1.close();
  });

  it('respects the permissions policy without asking the worker', async () => {
    const clientFor = connect();
    await expect(clientFor('summarizer').request('create', {})).rejects.toMatchObject({ name: 'NotAllowedError' });
    expect(await clientFor('summarizer').request('availability', {})).toEqual({ availability: 'unavailable' });
    expect(workers).toEqual([]);
  });

  it("serves only the page's own origin if the browser does not support the policy", async () => {
    window = fakeWindow(undefined);
    window.top = { origin: 'https://b.test' };
    await expect(connect()('language-model').request('create', {})).rejects.toMatchObject({ name: 'NotAllowedError' });
    window = fakeWindow(undefined);
    Object.defineProperty(window, 'top', {
      get: () => {
        throw new Error('Cross-origin');
      },
    });
    await expect(connect()('language-model').request('create', {})).rejects.toMatchObject({ name: 'NotAllowedError' });
  });

  it('determines itself whether the page has user activation', async () => {
    window.navigator.userActivation.isActive = false;
    void connect()('language-model')
      .request('create', { isActivated: true } as object)
      .catch(() => {});
    await arrived(1);
    expect(received[0].isActivated).toBe(false);
  });

  it('waits until a prerendered page is shown', async () => {
    window.document.prerendering = true;
    const client = connect()('language-model');
    const stopped = client.request('create', {}, { signal: AbortSignal.timeout(0) });
    void client.request('availability', {});
    await expect(stopped).rejects.toMatchObject({ name: 'TimeoutError' });
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(received).toEqual([]);
    window.document.prerendering = false;
    window.document.dispatchEvent(new Event('prerenderingchange'));
    await arrived(1);
    expect(received.map(({ verb }) => verb)).toEqual(['availability']);
  });

  it('disconnects from the worker when the page is hidden, and repeats pending requests when it returns', async () => {
    const client = connect()('language-model');
    const asked = client.request('availability', {});
    await arrived(1);
    window.dispatchEvent(new Event('pagehide'));
    expect(workers[0]?.isDisconnected).toBe(true);
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
    await arrived(2);
    answer({ availability: 'available' });
    expect(await asked).toEqual({ availability: 'available' });
    expect(workers).toHaveLength(2);
  });

  it('forwards no more requests at once than a caller may have, and stops only those', async () => {
    const clientFor = connect();
    const client = clientFor('language-model');
    const controller = new AbortController();
    const asked = Array.from({ length: MAX_PENDING + 1 }, () =>
      client.request('create', {}, { signal: controller.signal }).catch(({ name }: Error) => name),
    );
    expect(await asked[MAX_PENDING]).toBe('OperationError');
    await arrived(MAX_PENDING);
    const [first] = received;
    workers[0]?.send({ id: first.id, kind: 'done', result: {} });
    await asked[0];
    void client.request('create', {}).catch(() => {});
    await arrived(MAX_PENDING + 1);
    controller.abort();
    // One of the aborted requests has ended.
    await arrived(MAX_PENDING + 1 + MAX_PENDING - 1);
    const stops = received.slice(MAX_PENDING + 1);
    expect(new Set(stops.map(({ verb }) => verb))).toEqual(new Set(['stop']));
    expect(stops.map(({ id }) => id)).not.toContain(first.id);
    for (const { id } of stops) workers[0]?.send({ id, kind: 'error', name: 'AbortError', message: '' });
    expect(await asked[1]).toBe('AbortError');
    expect(received).toHaveLength(2 * MAX_PENDING);
  });

  it('forwards only requests, and rejects large ones', async () => {
    const client = connect()('language-model');
    const error = await client
      .request('measure', { messages: [{ role: 'user', content: 'x'.repeat(MAX_PAGE_MESSAGE) }] })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'QuotaExceededError' });
    expect(received).toEqual([]);
  });
});

describe('the scripts in the pages of sites', () => {
  const site = (id: string) => ({ kind: 'site' as const, id, state: 'allowed' as const, model: null });

  it('are registered for exactly the allowed and permitted sites, with the bridge first', async () => {
    let registered: Any[] = [];
    const calls: string[] = [];
    const scripts = new SiteScripts({
      scripting: {
        getRegisteredContentScripts: async () => registered,
        registerContentScripts: async (list) => {
          calls.push('register');
          registered = list;
        },
        unregisterContentScripts: async ({ ids }) => {
          calls.push('unregister');
          registered = registered.filter(({ id }) => !ids.includes(id));
        },
      },
      permissions: { contains: async ({ origins }) => !origins.includes('https://unpermitted.test/*') },
    });
    const callers = [
      site('https://a.test'),
      site('https://a.test:8443'),
      site('https://unpermitted.test'),
      { ...site('x'), kind: 'extension' as const },
    ];
    await scripts.sync({ callers, keepsNative: false });
    expect(registered).toEqual(scriptsFor(['https://a.test/*'], NO_ACCESS));
    expect(registered.map(({ world, js }) => [world, ...js])).toEqual([
      ['ISOLATED', '/web-ai-bridge.js'],
      ['MAIN', '/web-ai-page.js'],
    ]);
    await scripts.sync({ callers, keepsNative: false });
    expect(calls).toEqual(['register']);
    await scripts.sync({ callers, keepsNative: true });
    expect(registered[1].js).toEqual(['/web-ai-page-beside.js']);
    await scripts.sync(NO_ACCESS);
    expect(registered).toEqual([]);
  });
});

describe('the origin of a page', () => {
  it.each([
    ['https://a.test/path?x', 'https://a.test', 'https://a.test/*'],
    ['https://a.test:8443/', 'https://a.test:8443', 'https://a.test/*'],
    ['http://localhost:3000/', 'http://localhost:3000', 'http://localhost/*'],
    ['http://127.0.0.1:8642/', 'http://127.0.0.1:8642', 'http://127.0.0.1/*'],
  ])('%s', (url, origin, pattern) => {
    expect(originOf(url)).toBe(origin);
    expect(patternOf(origin)).toBe(pattern);
  });

  it.each([
    'http://a.test/',
    'http://localhost.a.test/',
    'file:///etc/passwd',
    'chrome://settings/',
    'about:blank',
    'null',
    '',
    undefined,
  ])('none: %s', (url) => expect(originOf(url)).toBeUndefined());
});

describe('detected languages', () => {
  it('have confidences that add up to one, sorted, with unknown last', () => {
    const result = languagesOf({
      isReliable: true,
      languages: [
        { language: 'en', percentage: 20 },
        { language: 'de', percentage: 80 },
      ],
    });
    expect(result.languages.map(({ language }) => language)).toEqual(['de', 'en', 'und']);
    expect(result.languages.reduce((sum, { confidence }) => sum + confidence, 0)).toBeCloseTo(1);
    expect(languagesOf({ isReliable: false, languages: [] }).languages).toEqual([{ language: 'und', confidence: 1 }]);
    const doubtful = languagesOf({ isReliable: false, languages: [{ language: 'fr', percentage: 50 }] });
    expect(doubtful.languages.map(({ language }) => language)).toEqual(['und']);
  });
});
