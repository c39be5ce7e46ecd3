import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExtensionPage, Key } from '../browser/browser.ts';

/** The folder for screenshots, which git ignores. */
const SCREENSHOTS = fileURLToPath(new URL('../../../out/screenshots', import.meta.url));

/** The script of axe-core. */
const AXE = fileURLToPath(import.meta.resolve('axe-core/axe.min.js'));

/** Time limit for a wait, in milliseconds. Browser drivers time out after 30 seconds. */
const TIMEOUT_MS = 25_000;

/** Polling interval of a wait, in milliseconds. */
const POLL_MS = 20;

/** Evaluates to the elements that scroll horizontally, of those that never should. */
const CUT_OFF = `[document.scrollingElement, ...document.querySelectorAll('dialog[open], [popover]:popover-open, [role=log]')]
  .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1)
  .map((element) => element.outerHTML.slice(0, 200))`;

/** Controls a page of the extension as a user would. It waits for conditions, never for a fixed time. */
export class PageDriver {
  readonly #page: ExtensionPage;

  constructor(page: ExtensionPage) {
    this.#page = page;
  }

  /** Returns the value of an expression in the page. */
  evaluate(expression: string): Promise<unknown> {
    return this.#page.evaluate(expression);
  }

  /**
   * Waits until the value of an expression, which may be a promise, is truthy, and returns it. It polls, because a page
   * can change without a DOM mutation: the text of an element with `content-visibility: auto` is empty until it is
   * rendered.
   */
  waitFor(expression: string): Promise<unknown> {
    return this.#page.evaluate(`new Promise((resolve, reject) => {
      const start = performance.now();
      const check = async () => {
        const value = await (async () => { try { return await (${expression}); } catch { return undefined; } })();
        if (value) resolve(value);
        else if (performance.now() - start < ${TIMEOUT_MS}) setTimeout(check, ${POLL_MS});
        else reject(new Error(${JSON.stringify(`Timed out waiting for: ${expression}. Text of the page: `)} + document.body.innerText));
      };
      check();
    })`);
  }

  /** Waits until the text of an element contains `words`, and returns it. */
  async waitForText(selector: string, words = ''): Promise<string> {
    const text = `document.querySelector(${JSON.stringify(selector)}).innerText`;
    return String(await this.waitFor(`${text}.includes(${JSON.stringify(words)}) && (${text} || ' ')`));
  }

  /** Waits until an element exists. */
  async waitForElement(selector: string): Promise<void> {
    await this.waitFor(`document.querySelector(${JSON.stringify(selector)}) !== null`);
  }

  /** Waits until an element exists and is enabled, and clicks it. */
  async click(selector: string): Promise<void> {
    await this.waitForElement(`${selector}:not(:disabled)`);
    await this.#page.click(selector);
  }

  /** Presses a key in the focused element. */
  press(key: Key): Promise<void> {
    return this.#page.press(key);
  }

  /** Closes the page. */
  close(): Promise<void> {
    return this.#page.close();
  }

  /** Replaces the text of a field. */
  async fill(selector: string, text: string): Promise<void> {
    await this.waitForElement(selector);
    await this.#page.evaluate(`(() => {
      const field = document.querySelector(${JSON.stringify(selector)});
      field.value = ${JSON.stringify(text)};
      field.dispatchEvent(new Event('input', { bubbles: true }));
    })()`);
  }

  /** Selects an option by its value. */
  async select(selector: string, value: string): Promise<void> {
    await this.waitForElement(selector);
    await this.#page.evaluate(`(() => {
      const field = document.querySelector(${JSON.stringify(selector)});
      field.value = ${JSON.stringify(value)};
      field.dispatchEvent(new Event('change', { bubbles: true }));
    })()`);
  }

  /** Sends a request to the host, as the page does. Returns the payload or the error. */
  request(action: string, fields: object = {}): Promise<unknown> {
    return this.#page.evaluate(`new Promise((resolve) => {
      const port = chrome.runtime.connect({ name: 'page' });
      port.onMessage.addListener((message) => {
        if (message.id !== 1 || message.kind === 'event') return;
        port.disconnect();
        resolve(message.payload ?? message);
      });
      port.postMessage({ kind: 'request', id: 1, action: ${JSON.stringify(action)}, fields: ${JSON.stringify(fields)} });
    })`);
  }

  /** Returns the violations that axe-core finds, as `rule: element`. */
  async accessibilityViolations(): Promise<string[]> {
    const source = await readFile(AXE, 'utf8');
    await this.#page.evaluate(`(() => { if (globalThis.axe === undefined) { ${source} } })()`);
    const found = await this.#page.evaluate(
      `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
        violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))`,
    );
    return found as string[];
  }

  /** Waits until all finite animations of the page have ended. */
  async waitForAnimations(): Promise<void> {
    await this.#page.evaluate(
      `Promise.allSettled(document.getAnimations()
        .filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity).map(({ finished }) => finished)).then(() => true)`,
    );
  }

  /** Saves a screenshot as `out/screenshots/NAME.png`. Throws if the page, or an open dialog or menu, is cut off at a side. */
  async saveScreenshot(name: string): Promise<void> {
    await this.waitForAnimations();
    const cut = (await this.#page.evaluate(CUT_OFF)) as string[];
    if (cut.length > 0) throw new Error(`${name} is cut off: ${cut.join(', ')}`);
    await mkdir(SCREENSHOTS, { recursive: true });
    await writeFile(join(SCREENSHOTS, `${name}.png`), await this.#page.screenshot());
  }
}
