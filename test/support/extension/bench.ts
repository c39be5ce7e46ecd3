import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserOptions, TestBrowser } from '../browser/browser.ts';
import { startChromium } from '../browser/chromium.ts';
import { startFirefox } from '../browser/firefox.ts';
import { HOST_MAIN } from '../host/host-process.ts';
import { Workshop } from '../host/workshop.ts';
import { type HubOptions, startHub, type TestHub } from '../hub/hub.ts';
import { SeenPage } from './seen-page.ts';

const EXTENSIONS = fileURLToPath(new URL('../../../dist/extension', import.meta.url));

/** A browser the extension is tried in. */
export interface TriedBrowser {
  readonly name: 'chromium' | 'firefox';
  readonly programs: readonly string[];
  readonly start: (options: BrowserOptions) => Promise<TestBrowser>;
  /** The folder a user has who has started it once. */
  readonly profile: string;
  /** The extension that was built for it. */
  readonly extension: string;
}

/** The browsers the extension is tried in. */
export const TRIED_BROWSERS: readonly TriedBrowser[] = [
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

/** One user's machine: a home, a hub, a browser with the built extension, and the built host once it is installed. */
export class ExtensionBench {
  readonly hub: TestHub;
  readonly #shop: Workshop;
  readonly #tried: TriedBrowser;
  readonly #program: string;
  #browser: TestBrowser | undefined;

  private constructor(shop: Workshop, hub: TestHub, tried: TriedBrowser, program: string) {
    this.#shop = shop;
    this.hub = hub;
    this.#tried = tried;
    this.#program = program;
  }

  static async open(tried: TriedBrowser, program: string, hub: HubOptions): Promise<ExtensionBench> {
    const shop = await Workshop.open();
    await mkdir(join(shop.home, tried.profile), { recursive: true });
    return new ExtensionBench(shop, shop.use(await startHub(hub)), tried, program);
  }

  /** Registers the built host with the browser, as its user would. */
  install(): void {
    execFileSync(process.execPath, [HOST_MAIN, 'install', '--browser', this.#tried.name], { env: this.#env });
  }

  /** Opens a page of the extension; the first one starts the browser. */
  async page(path: string, look: Pick<BrowserOptions, 'dark' | 'size'> = {}): Promise<SeenPage> {
    this.#browser ??= await this.#tried.start({
      program: this.#program,
      home: this.#shop.home,
      extension: this.#tried.extension,
      env: this.#env,
      size: { width: 400, height: 580 },
      ...look,
    });
    return new SeenPage(await this.#browser.openPage(path));
  }

  async close(): Promise<void> {
    await this.#browser?.close();
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
      // A hub that stalls is given up as soon as on a good day.
      TABAGENT_STALL_TIMEOUT_MS: '2000',
      LANGUAGE: 'en',
    };
  }
}
