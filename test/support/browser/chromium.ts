import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { CHROMIUM_EXTENSION_ID } from '../../../manifests/extension-identity.ts';
import type { BrowserOptions, TestBrowser } from './browser.ts';

/** No window, no background traffic, and no sandbox, which does not work as root. */
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
];

/** Starts Chromium with an extension whose manifest has our `key`, in the profile that `tabagent install` finds. */
export async function startChromium(options: BrowserOptions): Promise<TestBrowser> {
  const { program, home, extension, env = {}, dark = false, forcedColors = false, size } = options;
  const context = await chromium.launchPersistentContext(join(home, '.config', 'chromium'), {
    executablePath: program,
    // Playwright's own headless mode does not load extensions; the argument above starts the browser's.
    headless: false,
    colorScheme: dark ? 'dark' : 'light',
    forcedColors: forcedColors ? 'active' : 'none',
    ...(size === undefined ? {} : { viewport: size }),
    args: [...ARGS, `--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
    env: { PATH: process.env.PATH ?? '', HOME: home, ...env },
  });
  return {
    async openPage(path) {
      const page = await context.newPage();
      await page.goto(`chrome-extension://${CHROMIUM_EXTENSION_ID}/${path}`);
      return {
        evaluate: (expression) => page.evaluate(expression),
        click: (selector) => page.click(selector),
        press: (key) => page.keyboard.press(key),
        close: () => page.close(),
        screenshot: () => page.screenshot(),
      };
    },
    close: () => context.close(),
  };
}
