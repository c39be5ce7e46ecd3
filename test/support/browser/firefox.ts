import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, watch } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIREFOX_ADDON_ID } from '../../../manifests/extension-identity.ts';
import type { BrowserOptions, Key, TestBrowser } from './browser.ts';
import { Marionette } from './marionette.ts';

/** The extension's internal UUID. Firefox would generate a random one for each profile. */
const UUID = '5f2c7a3e-9d41-4b6e-8a7b-3c1d2e4f5a6b';
const OTHER_UUID = '0e1f2a3b-4c5d-4e6f-8a9b-1c2d3e4f5a6b';

/** The file in the profile to which Firefox writes Marionette's port. */
const PORT_FILE = 'MarionetteActivePort';

/** The key of an element reference (WebDriver, section 12.2). */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

const PREFERENCES = {
  'marionette.port': 0,
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.getAddons.cache.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
};

/** Starts Firefox with an extension that has TabAgent's add-on ID. */
export async function startFirefox(options: BrowserOptions): Promise<TestBrowser> {
  const { program, home, extension, other, env = {}, dark = false, forcedColors = false, size } = options;
  const profile = await mkdtemp(join(tmpdir(), 'tabagent-firefox-'));
  const uuids = { [FIREFOX_ADDON_ID]: UUID, ...(other === undefined ? {} : { [other.firefoxId]: OTHER_UUID }) };
  const ids = { 'extensions.webextensions.uuids': JSON.stringify(uuids) };
  const colours = {
    'layout.css.prefers-color-scheme.content-override': dark ? 0 : 1,
    ...(forcedColors ? { 'browser.display.document_color_use': 2 } : {}),
  };
  const lines = Object.entries({ ...PREFERENCES, ...ids, ...colours }).map(
    ([key, value]) => `user_pref("${key}", ${JSON.stringify(value)});\n`,
  );
  await writeFile(join(profile, 'user.js'), lines.join(''));
  await mkdir(home, { recursive: true });
  // The last argument allows the driver to access extension pages.
  const args = ['--headless', '--no-remote', '--profile', profile, '--marionette', '--remote-allow-system-access'];
  const child = spawn(program, args, { env: { PATH: process.env.PATH, HOME: home, ...env }, stdio: 'ignore' });
  const exited = once(child, 'exit');
  const ended = exited.then(([code]) => {
    throw new Error(`Firefox exited with code ${code} before Marionette was available`);
  });
  ended.catch(() => undefined);
  const driver = await Marionette.connect(await Promise.race([portOf(profile), ended]));
  await driver.command('WebDriver:NewSession', {});
  await driver.command('Addon:Install', { path: extension, temporary: true });
  if (other !== undefined) await driver.command('Addon:Install', { path: other.folder, temporary: true });
  if (size !== undefined) await fitWindow(driver, size);
  return {
    openPage: (path) => openTab(driver, `moz-extension://${UUID}/${path}`),
    openOtherPage: (path) => openTab(driver, `moz-extension://${OTHER_UUID}/${path}`),
    async openWebPage(url) {
      const page = await openTab(driver, url);
      return { ...page, useExtension: () => page.withTab(() => grantActiveTab(driver)) };
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
  const withTab = <T>(work: () => Promise<T>) => inTab(driver, String(handle), work);
  await withTab(() => driver.command('WebDriver:Navigate', { url }));
  return {
    withTab,
    evaluate: (expression: string) => withTab(() => evaluate(driver, expression)),
    click: (selector: string) => withTab(() => click(driver, selector)),
    press: (key: Key) => withTab(() => press(driver, key)),
    close: async () => {
      const rest = await withTab(() => driver.command('WebDriver:CloseWindow', {}));
      // Without a current window, Marionette rejects all further commands.
      const [next] = Array.isArray(rest) ? rest : [];
      await driver.command('WebDriver:SwitchToWindow', { handle: next, focus: true });
    },
    screenshot: () =>
      withTab(async () => {
        const { value } = record(await driver.command('WebDriver:TakeScreenshot', { full: false }));
        return Buffer.from(String(value), 'base64');
      }),
  };
}

/** Grants the extension the `activeTab` permission that a click on its toolbar button would grant. */
async function grantActiveTab(driver: Marionette): Promise<void> {
  await driver.command('Marionette:SetContext', { value: 'chrome' });
  const script = `
    const { extension } = WebExtensionPolicy.getByID(${JSON.stringify(FIREFOX_ADDON_ID)});
    extension.tabManager.addActiveTabPermission(gBrowser.selectedTab);`;
  await driver.command('WebDriver:ExecuteScript', { script, args: [], sandbox: 'system' });
  await driver.command('Marionette:SetContext', { value: 'content' });
}

/** Grants the extension an optional host permission. */
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

/** Resizes the window to give its page this size, or the smallest size that Firefox allows. */
async function fitWindow(driver: Marionette, size: { width: number; height: number }): Promise<void> {
  const chrome = record(
    await evaluate(driver, '({ width: outerWidth - innerWidth, height: outerHeight - innerHeight })'),
  );
  await driver.command('WebDriver:SetWindowRect', {
    width: size.width + Number(chrome.width),
    height: size.height + Number(chrome.height),
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
  const response = record(await driver.command('WebDriver:ExecuteAsyncScript', { script, args: [], sandbox: null }));
  const { json, error } = record(response.value);
  if (error !== undefined) throw new Error(String(error));
  return JSON.parse(String(json));
}

/** Maximum number of attempts to click an element: a page may replace it after it was found. */
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

/** Key codes of WebDriver (section 17.4.2). */
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

/** Waits for Firefox to write Marionette's port to the profile, and returns it. */
async function portOf(profile: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const check = () => {
    const file = join(profile, PORT_FILE);
    const port = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    if (port > 0) resolve(port);
  };
  const watcher = watch(profile, check);
  check();
  return promise.finally(() => watcher.close());
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error(`Expected an object from Firefox, got ${value}`);
  return Object.fromEntries(Object.entries(value));
}
