import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { CHROMIUM_EXTENSION_ID } from '../../../manifests/extension-identity.ts';
import type { BrowserOptions, ExtensionPage, TestBrowser } from './browser.ts';

/** Disables windows, background traffic, and the sandbox, which does not work as root. */
const ARGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Allows a test to trigger the toolbar button.
  '--enable-unsafe-extension-debugging',
];

/**
 * Starts Chromium with an extension that has TabAgent's `key` in its manifest, in the profile that `tabagent install`
 * detects.
 */
export async function startChromium(options: BrowserOptions): Promise<TestBrowser> {
  const {
    program,
    home,
    extension,
    other,
    env = {},
    dark = false,
    forcedColors = false,
    cachesPages = false,
    size,
  } = options;
  const extensions = [extension, ...(other === undefined ? [] : [other.folder])].join(',');
  const context = await chromium.launchPersistentContext(join(home, '.config', 'chromium'), {
    executablePath: program,
    // Playwright's headless mode does not load extensions. The argument `--headless=new` starts the browser's.
    headless: false,
    ...(cachesPages ? { ignoreDefaultArgs: ['--disable-back-forward-cache'] } : {}),
    colorScheme: dark ? 'dark' : 'light',
    forcedColors: forcedColors ? 'active' : 'none',
    ...(size === undefined ? {} : { viewport: size }),
    args: [...ARGS, `--disable-extensions-except=${extensions}`, `--load-extension=${extensions}`],
    env: { PATH: process.env.PATH ?? '', HOME: home, ...env },
  });
  return {
    async openPage(path) {
      return driverOf(await open(context, `chrome-extension://${CHROMIUM_EXTENSION_ID}/${path}`));
    },
    async openOtherPage(path) {
      return driverOf(await open(context, `chrome-extension://${other?.chromiumId}/${path}`));
    },
    async openWebPage(url) {
      const page = await open(context, url);
      return { ...driverOf(page), useExtension: () => useExtension(context, page) };
    },
    async evaluateInWorker(expression) {
      const [worker = await context.waitForEvent('serviceworker')] = context.serviceWorkers();
      return worker.evaluate(expression);
    },
    grantHost: (pattern) => grantHost(context, pattern),
    close: () => context.close(),
  };
}

/**
 * Grants a host permission through `chrome://extensions`, because Playwright cannot click in the prompt of
 * `permissions.request`. The extension's request after that is granted without a prompt.
 */
async function grantHost(context: BrowserContext, pattern: string): Promise<void> {
  const page = await open(context, 'chrome://extensions/');
  await page.evaluate(
    `chrome.developerPrivate.addHostPermission('${CHROMIUM_EXTENSION_ID}', ${JSON.stringify(pattern)})`,
  );
  await page.close();
  const own = await open(context, `chrome-extension://${CHROMIUM_EXTENSION_ID}/options.html`);
  await own.evaluate(`chrome.permissions.request({ origins: [${JSON.stringify(pattern)}] })`);
  await own.close();
}

async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

function driverOf(page: Page): ExtensionPage {
  return {
    evaluate: (expression) => page.evaluate(expression),
    click: (selector) => page.click(selector),
    press: (key) => page.keyboard.press(key),
    close: () => page.close(),
    screenshot: () => page.screenshot(),
  };
}

/** Triggers the extension's toolbar button in the tab of a page. */
async function useExtension(context: BrowserContext, page: Page): Promise<void> {
  await page.bringToFront();
  const session = await context.browser()?.newBrowserCDPSession();
  const { targetInfos = [] } = (await session?.send('Target.getTargets', { filter: [{ type: 'tab' }] })) ?? {};
  const tab = targetInfos.find(({ url }) => url === page.url());
  // Playwright has no type for this command yet.
  const send = session?.send.bind(session) as ((method: string, fields: object) => Promise<unknown>) | undefined;
  await send?.('Extensions.triggerAction', { id: CHROMIUM_EXTENSION_ID, targetId: tab?.targetId });
}
