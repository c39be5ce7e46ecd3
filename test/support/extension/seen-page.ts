import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExtensionPage } from '../browser/browser.ts';

/** Where screenshots are put; git ignores it. */
const SCREENSHOTS = fileURLToPath(new URL('../../../out/screenshots', import.meta.url));

/** The checks of what people can use, as a script. */
const AXE = fileURLToPath(import.meta.resolve('axe-core/axe.min.js'));

/** How long something is waited for before the page is taken for broken, milliseconds. Drivers give up at 30 seconds. */
const PATIENCE_MS = 25_000;

/** A page of the extension as its user sees it: what is waited for is seen there, never a time. */
export class SeenPage {
  readonly #page: ExtensionPage;

  constructor(page: ExtensionPage) {
    this.#page = page;
  }

  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown> {
    return this.#page.evaluate(expression);
  }

  /** The value of an expression, once it is one that is true. */
  until(expression: string): Promise<unknown> {
    return this.#page.evaluate(`new Promise((resolve, reject) => {
      const look = () => {
        const value = (() => { try { return ${expression}; } catch { return undefined; } })();
        if (!value) return;
        observer.disconnect();
        clearTimeout(timer);
        resolve(value);
      };
      const timer = setTimeout(() => {
        observer.disconnect();
        reject(new Error(${JSON.stringify(`This did not come true: ${expression}. The page said: `)} + document.body.innerText));
      }, ${PATIENCE_MS});
      const observer = new MutationObserver(look);
      observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      look();
    })`);
  }

  /** The text of an element, once it holds these words. */
  async reads(selector: string, words = ''): Promise<string> {
    const text = `document.querySelector(${JSON.stringify(selector)}).innerText`;
    return String(await this.until(`${text}.includes(${JSON.stringify(words)}) && (${text} || ' ')`));
  }

  /** Resolves once there is such an element. */
  async has(selector: string): Promise<void> {
    await this.until(`document.querySelector(${JSON.stringify(selector)}) !== null`);
  }

  /** Clicks an element that can be clicked, once there is one. */
  async click(selector: string): Promise<void> {
    await this.has(`${selector}:not(:disabled)`);
    await this.#page.click(selector);
  }

  /** Types into a field, in the place of what stands there. */
  async fill(selector: string, text: string): Promise<void> {
    await this.has(selector);
    await this.#page.evaluate(`(() => {
      const field = document.querySelector(${JSON.stringify(selector)});
      field.value = ${JSON.stringify(text)};
      field.dispatchEvent(new Event('input', { bubbles: true }));
    })()`);
  }

  /** Asks the host as the page would, and gives its whole answer. */
  ask(action: string, fields: object = {}): Promise<unknown> {
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

  /** What keeps people from using the page, as axe-core finds it: `rule: element`, none where all is well. */
  async barriers(): Promise<string[]> {
    const source = await readFile(AXE, 'utf8');
    await this.#page.evaluate(`(() => { if (globalThis.axe === undefined) { ${source} } })()`);
    const found = await this.#page.evaluate(
      `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
        violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))`,
    );
    return found as string[];
  }

  /** Resolves when nothing on the page moves any more. */
  async still(): Promise<void> {
    await this.#page.evaluate(
      `Promise.allSettled(document.getAnimations()
        .filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity).map(({ finished }) => finished)).then(() => true)`,
    );
  }

  /** Puts what is seen into `out/screenshots/NAME.png`. */
  async keep(name: string): Promise<void> {
    await this.still();
    await mkdir(SCREENSHOTS, { recursive: true });
    await writeFile(join(SCREENSHOTS, `${name}.png`), await this.#page.screenshot());
  }
}
