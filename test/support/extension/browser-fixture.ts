import { execFile, execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BrowserOptions, OtherExtension, TestBrowser, WebPage } from '../browser/browser.ts';
import { startChromium } from '../browser/chromium.ts';
import { startFirefox } from '../browser/firefox.ts';
import { HostFixture } from '../host/host-fixture.ts';
import { HOST_MAIN } from '../host/host-process.ts';
import { type HubOptions, startHub, type TestHub } from '../hub/hub.ts';
import { buildExampleExtension } from './example-extension.ts';
import { PageDriver } from './page-driver.ts';

const EXTENSIONS = fileURLToPath(new URL('../../../dist/extension', import.meta.url));

type Appearance = Pick<BrowserOptions, 'dark' | 'forcedColors' | 'size'>;

/** A browser that the extension is tested in. */
export interface BrowserKind {
  readonly name: 'chromium' | 'firefox';
  readonly programs: readonly string[];
  readonly start: (options: BrowserOptions) => Promise<TestBrowser>;
  /** The profile folder in the home folder, which exists after the browser was started once. */
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

/** A home folder, a hub, a browser with the built extension and, after {@link install}, the built host. */
export class BrowserFixture {
  readonly hub: TestHub;
  readonly #host: HostFixture;
  readonly #kind: BrowserKind;
  readonly #program: string;
  readonly #additionalEnv: Record<string, string>;
  #browser: TestBrowser | undefined;
  #other: OtherExtension | undefined;
  #cachesPages = false;

  private constructor(
    host: HostFixture,
    hub: TestHub,
    kind: BrowserKind,
    program: string,
    env: Record<string, string>,
  ) {
    this.#host = host;
    this.hub = hub;
    this.#kind = kind;
    this.#program = program;
    this.#additionalEnv = env;
  }

  /** @param env Additional environment variables of the browser and the host. */
  static async open(
    kind: BrowserKind,
    program: string,
    hub: HubOptions,
    env: Record<string, string> = {},
  ): Promise<BrowserFixture> {
    const host = await HostFixture.open();
    await mkdir(join(host.home, kind.profile), { recursive: true });
    return new BrowserFixture(host, host.use(await startHub(hub)), kind, program, env);
  }

  /** Returns another browser with the same home folder, data folder and hub. It is closed with this one. */
  async alongside(kind: BrowserKind, program: string): Promise<BrowserFixture> {
    await mkdir(join(this.#host.home, kind.profile), { recursive: true });
    const other = new BrowserFixture(this.#host, this.hub, kind, program, this.#additionalEnv);
    this.#host.use({ close: () => other.closeBrowser() });
    return other;
  }

  /** Writes the host's configuration file. */
  async configure(config: object): Promise<void> {
    const home = join(this.#host.home, 'tabagent');
    await mkdir(home, { recursive: true, mode: 0o700 });
    await writeFile(join(home, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  }

  /** Closes a resource when the fixture is closed. */
  use<T extends { close(): Promise<unknown> }>(resource: T): T {
    return this.#host.use(resource);
  }

  /** Adds the example extension, which uses TabAgent. Must be called before the first page is opened. Returns its ID. */
  async addExample(): Promise<string> {
    this.#other = await buildExampleExtension(join(this.#host.home, 'example-extension'));
    return this.#kind.name === 'firefox' ? this.#other.firefoxId : this.#other.chromiumId;
  }

  /** Turns on the back/forward cache. Must be called before the first page is opened. */
  useBackForwardCache(): void {
    this.#cachesPages = true;
  }

  /** Registers the built host with the browser. */
  install(): void {
    const parameters = [HOST_MAIN, 'install', '--browser', this.#kind.name];
    execFileSync(process.execPath, parameters, { env: this.#env, stdio: 'ignore' });
  }

  /** Runs a command of the built host. */
  async runCommand(...parameters: readonly string[]): Promise<void> {
    await promisify(execFile)(process.execPath, [HOST_MAIN, ...parameters], { env: this.#env });
  }

  /** Opens a page of the extension. The first one starts the browser. */
  async page(path: string, appearance: Appearance = {}): Promise<PageDriver> {
    const browser = await this.#start(appearance);
    return new PageDriver(await browser.openPage(path));
  }

  /** Opens a page of the example extension. */
  async examplePage(path: string): Promise<PageDriver> {
    await this.waitForWelcomePage();
    return new PageDriver(await (await this.#start({})).openOtherPage(path));
  }

  /** Opens a web page in a tab. The first page starts the browser. */
  async webPage(url: string): Promise<WebPage> {
    await this.waitForWelcomePage();
    return (await this.#start({})).openWebPage(url);
  }

  /** Evaluates an expression in the extension's worker. Supported only in Chromium. */
  async inWorker(expression: string): Promise<unknown> {
    const browser = await this.#start({});
    return browser.evaluateInWorker?.(expression);
  }

  /** Grants the extension the permission for the host of a URL. */
  async allow(url: string): Promise<void> {
    const { protocol, hostname } = new URL(url);
    await (await this.#start({})).grantHost(`${protocol}//${hostname}/*`);
  }

  /** Waits for the tab that the extension opens when it is installed. If it opened later, it would become the current tab. */
  async waitForWelcomePage(): Promise<void> {
    const page = await this.page('options.html');
    await page.waitFor(
      `chrome.extension.getViews({ type: 'tab' }).some(({ location }) => location.pathname === '/welcome.html')`,
    );
    await page.close();
  }

  async #start(appearance: Appearance): Promise<TestBrowser> {
    this.#browser ??= await this.#kind.start({
      program: this.#program,
      home: this.#host.home,
      extension: this.#kind.extension,
      other: this.#other,
      cachesPages: this.#cachesPages,
      env: this.#env,
      size: { width: 400, height: 580 },
      ...appearance,
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
    await this.#host.close();
  }

  get #env(): Record<string, string> {
    const { home } = this.#host;
    return {
      PATH: process.env.PATH ?? '',
      HOME: home,
      TABAGENT_HOME: join(home, 'tabagent'),
      HF_ENDPOINT: this.hub.url,
      TABAGENT_GPU: 'off',
      TABAGENT_STALL_TIMEOUT_MS: '2000',
      LANGUAGE: 'en',
      ...this.#additionalEnv,
    };
  }
}
