import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserOptions, TestBrowser, WebPage } from '../browser/browser.ts';
import { startChromium } from '../browser/chromium.ts';
import { startFirefox } from '../browser/firefox.ts';
import { HOST_MAIN } from '../host/host-process.ts';
import { Workshop } from '../host/workshop.ts';
import { type HubOptions, startHub, type TestHub } from '../hub/hub.ts';
import { PageDriver } from './page-driver.ts';

const EXTENSIONS = fileURLToPath(new URL('../../../dist/extension', import.meta.url));

type Look = Pick<BrowserOptions, 'dark' | 'forcedColors' | 'size'>;

/** A browser that the extension is tested in. */
export interface BrowserKind {
  readonly name: 'chromium' | 'firefox';
  readonly programs: readonly string[];
  readonly start: (options: BrowserOptions) => Promise<TestBrowser>;
  /** The folder that exists in a home after the browser was started once. */
  readonly profile: string;
  /** The extension built for it. */
  readonly extension: string;
}

/** The browsers that the extension is tested in. */
export const BROWSERS: readonly BrowserKind[] = [
  {
    name: 'chromium',
    programs: ['chromium', 'chromium-browser'],
    start: startChromium,
    profile: '.config/chromium',
    extension: join(EXTENSIONS, 'chrome'),
  },
  {
    name: 'firefox',
    programs: ['firefox-esr', 'firefox'],
    start: startFirefox,
    profile: '.mozilla/firefox',
    extension: join(EXTENSIONS, 'firefox'),
  },
];

/** A home, a hub, a browser with the built extension and, once it is installed, the built host. */
export class BrowserFixture {
  readonly hub: TestHub;
  readonly #shop: Workshop;
  readonly #kind: BrowserKind;
  readonly #program: string;
  readonly #moreEnv: Record<string, string>;
  #browser: TestBrowser | undefined;

  private constructor(shop: Workshop, hub: TestHub, kind: BrowserKind, program: string, env: Record<string, string>) {
    this.#shop = shop;
    this.hub = hub;
    this.#kind = kind;
    this.#program = program;
    this.#moreEnv = env;
  }

  /** @param env Added to the environment of the browser and the host. */
  static async open(
    kind: BrowserKind,
    program: string,
    hub: HubOptions,
    env: Record<string, string> = {},
  ): Promise<BrowserFixture> {
    const shop = await Workshop.open();
    await mkdir(join(shop.home, kind.profile), { recursive: true });
    return new BrowserFixture(shop, shop.use(await startHub(hub)), kind, program, env);
  }

  /** Writes the host's configuration file. */
  async configure(config: object): Promise<void> {
    const home = join(this.#shop.home, 'tabagent');
    await mkdir(home, { recursive: true, mode: 0o700 });
    await writeFile(join(home, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  }

  /** Closes something after the test. */
  use<T extends { close(): Promise<unknown> }>(resource: T): T {
    return this.#shop.use(resource);
  }

  /** Registers the built host with the browser. */
  install(): void {
    this.runCommand('install', '--browser', this.#kind.name);
  }

  /** Runs a command of the built host. */
  runCommand(...parameters: readonly string[]): void {
    execFileSync(process.execPath, [HOST_MAIN, ...parameters], { env: this.#env, stdio: 'ignore' });
  }

  /** Opens a page of the extension. The first one starts the browser. */
  async page(path: string, look: Look = {}): Promise<PageDriver> {
    const browser = await this.#start(look);
    return new PageDriver(await browser.openPage(path));
  }

  /** Opens a web page in a tab. The first page starts the browser. */
  async webPage(url: string): Promise<WebPage> {
    const browser = await this.#start({});
    await this.#welcomed(browser);
    return browser.openWebPage(url);
  }

  /** Evaluates an expression in the extension's worker. Only in Chromium. */
  async inWorker(expression: string): Promise<unknown> {
    const browser = await this.#start({});
    return browser.evaluateInWorker?.(expression);
  }

  /** Grants the extension the permission for the host of an address. */
  async allow(url: string): Promise<void> {
    const { protocol, hostname } = new URL(url);
    await (await this.#start({})).grantHost(`${protocol}//${hostname}/*`);
  }

  /** Waits for the tab that the extension opens when it is installed: later, it would become the current one. */
  async #welcomed(browser: TestBrowser): Promise<void> {
    const page = new PageDriver(await browser.openPage('options.html'));
    await page.waitFor(
      `chrome.extension.getViews({ type: 'tab' }).some(({ location }) => location.pathname === '/welcome.html')`,
    );
    await page.close();
  }

  async #start(look: Look): Promise<TestBrowser> {
    this.#browser ??= await this.#kind.start({
      program: this.#program,
      home: this.#shop.home,
      extension: this.#kind.extension,
      env: this.#env,
      size: { width: 400, height: 580 },
      ...look,
    });
    return this.#browser;
  }

  /** Closes the browser. The next page starts it again, with the same profile. */
  async closeBrowser(): Promise<void> {
    await this.#browser?.close();
    this.#browser = undefined;
  }

  async close(): Promise<void> {
    await this.closeBrowser();
    await this.#shop.close();
  }

  get #env(): Record<string, string> {
    const { home } = this.#shop;
    return {
      PATH: process.env.PATH ?? '',
      HOME: home,
      TABAGENT_HOME: join(home, 'tabagent'),
      HF_ENDPOINT: this.hub.url,
      TABAGENT_GPU: 'off',
      TABAGENT_STALL_TIMEOUT_MS: '2000',
      LANGUAGE: 'en',
      ...this.#moreEnv,
    };
  }
}
