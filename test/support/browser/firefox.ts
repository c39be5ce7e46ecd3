import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, watch } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIREFOX_ADDON_ID } from '../../../manifests/extension-identity.ts';
import type { BrowserOptions, Key, TestBrowser } from './browser.ts';
import { Marionette } from './marionette.ts';

/** Firefox generates the address of an extension for each profile, unless the profile sets it. */
const UUID = '5f2c7a3e-9d41-4b6e-8a7b-3c1d2e4f5a6b';

/** The file in the profile that Firefox writes the port of Marionette to. */
const PORT_FILE = 'MarionetteActivePort';

/** The key of an element reference (WebDriver, section 12.2). */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

const PREFERENCES = {
  'marionette.port': 0,
  'extensions.webextensions.uuids': JSON.stringify({ [FIREFOX_ADDON_ID]: UUID }),
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.getAddons.cache.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
};

/** Starts Firefox with an extension that has our add-on id. */
export async function startFirefox(options: BrowserOptions): Promise<TestBrowser> {
  const { program, home, extension, env = {}, dark = false, forcedColors = false, size } = options;
  const profile = await mkdtemp(join(tmpdir(), 'tabagent-firefox-'));
  const colours = {
    'layout.css.prefers-color-scheme.content-override': dark ? 0 : 1,
    ...(forcedColors ? { 'browser.display.document_color_use': 2 } : {}),
  };
  const lines = Object.entries({ ...PREFERENCES, ...colours }).map(
    ([key, value]) => `user_pref("${key}", ${JSON.stringify(value)});\n`,
  );
  await writeFile(join(profile, 'user.js'), lines.join(''));
  await mkdir(home, { recursive: true });
  // The last argument gives the driver access to pages of extensions.
  const args = ['--headless', '--no-remote', '--profile', profile, '--marionette', '--remote-allow-system-access'];
  const child = spawn(program, args, { env: { PATH: process.env.PATH, HOME: home, ...env }, stdio: 'ignore' });
  const exited = once(child, 'exit');
  const ended = exited.then(([code]) => {
    throw new Error(`Firefox ended with ${code} before it listened`);
  });
  ended.catch(() => undefined);
  const driver = await Marionette.connect(await Promise.race([portOf(profile), ended]));
  await driver.command('WebDriver:NewSession', {});
  await driver.command('Addon:Install', { path: extension, temporary: true });
  if (size !== undefined) await fitWindow(driver, size);
  return {
    openPage: (path) => openTab(driver, `moz-extension://${UUID}/${path}`),
    async openWebPage(url) {
      const page = await openTab(driver, url);
      return { ...page, useExtension: () => page.here(() => allowReading(driver)) };
    },
    grantHost: (pattern) => grantHost(driver, pattern),
    async close() {
      await driver.command('Marionette:Quit', { flags: ['eForceQuit'] });
      driver.close();
      await exited;
      await rm(profile, { recursive: true, force: true });
    },
  };
}

async function openTab(driver: Marionette, url: string) {
  const { handle } = record(await driver.command('WebDriver:NewWindow', { type: 'tab' }));
  const here = <T>(work: () => Promise<T>) => inTab(driver, String(handle), work);
  await here(() => driver.command('WebDriver:Navigate', { url }));
  return {
    here,
    evaluate: (expression: string) => here(() => evaluate(driver, expression)),
    click: (selector: string) => here(() => click(driver, selector)),
    press: (key: Key) => here(() => press(driver, key)),
    close: async () => {
      const rest = await here(() => driver.command('WebDriver:CloseWindow', {}));
      // Without a current window the driver accepts no further commands.
      const [next] = Array.isArray(rest) ? rest : [];
      await driver.command('WebDriver:SwitchToWindow', { handle: next, focus: true });
    },
    screenshot: () =>
      here(async () => {
        const { value } = record(await driver.command('WebDriver:TakeScreenshot', { full: false }));
        return Buffer.from(String(value), 'base64');
      }),
  };
}

/** Grants the extension the permission for the current tab that a click on its toolbar button grants. */
async function allowReading(driver: Marionette): Promise<void> {
  await driver.command('Marionette:SetContext', { value: 'chrome' });
  const script = `
    const { extension } = WebExtensionPolicy.getByID(${JSON.stringify(FIREFOX_ADDON_ID)});
    extension.tabManager.addActiveTabPermission(gBrowser.selectedTab);`;
  await driver.command('WebDriver:ExecuteScript', { script, args: [], sandbox: 'system' });
  await driver.command('Marionette:SetContext', { value: 'content' });
}

/** Grants the extension an optional permission for a host. */
async function grantHost(driver: Marionette, pattern: string): Promise<void> {
  await driver.command('Marionette:SetContext', { value: 'chrome' });
  const script = `
    const [done] = arguments;
    const { ExtensionPermissions } = ChromeUtils.importESModule('resource://gre/modules/ExtensionPermissions.sys.mjs');
    const { extension } = WebExtensionPolicy.getByID(${JSON.stringify(FIREFOX_ADDON_ID)});
    ExtensionPermissions.add(extension.id, { permissions: [], origins: [${JSON.stringify(pattern)}] }, extension).then(() => done());`;
  await driver.command('WebDriver:ExecuteAsyncScript', { script, args: [], sandbox: 'system' });
  await driver.command('Marionette:SetContext', { value: 'content' });
}

/** Resizes the window so that its page has this size, down to the smallest window of Firefox. */
async function fitWindow(driver: Marionette, size: { width: number; height: number }): Promise<void> {
  const own = record(await evaluate(driver, '({ width: outerWidth - innerWidth, height: outerHeight - innerHeight })'));
  await driver.command('WebDriver:SetWindowRect', {
    width: size.width + Number(own.width),
    height: size.height + Number(own.height),
  });
}

async function inTab<T>(driver: Marionette, handle: string, work: () => Promise<T>): Promise<T> {
  await driver.command('WebDriver:SwitchToWindow', { handle, focus: true });
  return work();
}

async function evaluate(driver: Marionette, expression: string): Promise<unknown> {
  const script = `
    const done = arguments[0];
    Promise.resolve().then(() => (${expression})).then(
      (value) => done({ json: JSON.stringify(value) ?? 'null' }),
      (error) => done({ error: String(error) }),
    );`;
  const answer = record(await driver.command('WebDriver:ExecuteAsyncScript', { script, args: [], sandbox: null }));
  const { json, error } = record(answer.value);
  if (error !== undefined) throw new Error(String(error));
  return JSON.parse(String(json));
}

/** A page may replace an element between its being found and clicked, so that is tried a few times. */
const CLICK_ATTEMPTS = 5;

async function click(driver: Marionette, selector: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const found = record(await driver.command('WebDriver:FindElement', { using: 'css selector', value: selector }));
    try {
      await driver.command('WebDriver:ElementClick', { id: record(found.value)[ELEMENT] });
      return;
    } catch (error) {
      if (attempt === CLICK_ATTEMPTS || !String(error).includes('stale element reference')) throw error;
    }
  }
}

/** Keys as WebDriver names them (section 17.4.2). */
const KEYS: Readonly<Record<Key, string>> = {
  ArrowDown: '\uE015',
  Enter: '\uE007',
  Escape: '\uE00C',
  Tab: '\uE004',
};

async function press(driver: Marionette, key: Key): Promise<void> {
  const actions = ['keyDown', 'keyUp'].map((type) => ({ type, value: KEYS[key] }));
  await driver.command('WebDriver:PerformActions', { actions: [{ type: 'key', id: 'keyboard', actions }] });
}

/** Returns the port, once it is in the profile. */
async function portOf(profile: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const look = () => {
    const file = join(profile, PORT_FILE);
    const port = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    if (port > 0) resolve(port);
  };
  const watcher = watch(profile, look);
  look();
  return promise.finally(() => watcher.close());
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error(`Expected an object of Firefox, got ${value}`);
  return Object.fromEntries(Object.entries(value));
}
