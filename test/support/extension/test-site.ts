import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WebPage } from '../browser/browser.ts';
import type { BrowserFixture } from './browser-fixture.ts';
import { modelId } from './models.ts';
import type { PageDriver } from './page-driver.ts';

/** The page at every path that has no other. */
const PAGE = `<!doctype html><title>Site</title><p>Site</p>`;

/** The path to which pages send what they report, as JSON. */
const REPORT = '/report';

/** A web site, on which the interfaces for web pages are tested. */
export class TestSite {
  readonly #server: Server;
  readonly #reports: unknown[] = [];
  #onReport: () => void = () => {};

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param pages HTML by path. */
  static async open(pages: Readonly<Record<string, string>> = {}): Promise<TestSite> {
    const server = createServer();
    const site = new TestSite(server);
    server.on('request', async (request, response) => {
      const path = request.url ?? '';
      if (path === REPORT) site.#receive(await bodyOf(request));
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end(pages[path] ?? PAGE);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return site;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The origin of the same server under another name, which is another site. */
  get otherOrigin(): string {
    return `http://localhost:${this.#port}`;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves with the next value that a page reports. Unlike the driver of a browser, pages can report at any time. */
  async report(): Promise<unknown> {
    while (this.#reports.length === 0) {
      await new Promise<void>((resolve) => {
        this.#onReport = resolve;
      });
    }
    return this.#reports.shift();
  }

  /** Allows the site in the popup, with a loaded model. Returns a page of the site with the interfaces, and the popup. */
  async allow(
    fixture: BrowserFixture,
    { path = '/', model = modelId('story.gguf') }: { path?: string; model?: string } = {},
  ): Promise<{ web: WebPage; popup: PageDriver }> {
    await fixture.allow(this.origin);
    const web = await fixture.webPage(this.origin + path);
    await web.useExtension();
    const popup = await fixture.page('popup.html');
    await popup.waitForText('header', 'Connected');
    await popup.request('LOAD_MODEL', { modelPath: model, settings: { n_threads: 1, n_ctx: 512 } });
    await popup.click('.site button');
    await popup.waitForText('.site', 'may use your models');
    await popup.waitFor(`chrome.scripting.getRegisteredContentScripts().then(({ length }) => length === 2)`);
    await popup.click('.site .button.primary');
    await hasInterfaces(web);
    return { web, popup };
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #receive(text: string): void {
    this.#reports.push(JSON.parse(text));
    this.#onReport();
  }
}

/** The function `report(value)` for pages. */
export const REPORT_FUNCTION = `const report = (value) => fetch('${REPORT}', { method: 'POST', body: JSON.stringify(value), keepalive: true });`;

/** Resolves once a page has been loaded with the interfaces. */
async function hasInterfaces(web: WebPage): Promise<void> {
  for (;;) {
    const isThere = `typeof Summarizer === 'function' && !String(Summarizer).includes('native code')`;
    if (await web.evaluate(`${isThere} && document.readyState === 'complete'`).catch(() => false)) return;
  }
}

/** Resolves once a page with this path is loaded in a tab. */
export async function hasPath(web: WebPage, path: string): Promise<void> {
  for (;;) {
    const there = await web.evaluate('location.pathname + document.readyState').catch(() => '');
    if (there === `${path}complete`) return;
  }
}

/** Returns the value of a promise in a page, or the name of the error. */
export function outcome(web: WebPage, expression: string): Promise<unknown> {
  return web.evaluate(`(async () => { try { return await (${expression}); } catch (error) { return error.name; } })()`);
}

/** Resolves with the value of a global variable of a page once it is set. */
export function whenSet(web: WebPage, variable: string): Promise<unknown> {
  return web.evaluate(
    `new Promise((resolve) => { const look = () => (window.${variable} === undefined ? setTimeout(look, 20) : resolve(window.${variable})); look(); })`,
  );
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
