import { browser } from 'wxt/browser';
import {
  ACCESS,
  type Access,
  type CallerEntry,
  type CallerId,
  dayOf,
  NO_ACCESS,
  parseAccess,
  parseUsage,
  patternOf,
  USAGE,
  type Usage,
  withEntry,
  withoutEntry,
} from '../../web-ai/access.ts';
import { CALLERS_PORT } from '../../web-ai/names.ts';
import { PENDING_GRANT } from '../../web-ai/pending-grant.ts';
import { keyOf, type RunningCallers, type StopCaller } from '../../worker/callers/caller-messages.ts';

/** Delay before the port to a stopped worker is opened again, milliseconds. */
const RECONNECT_MS = 500;

/** The web sites and extensions that may use models, as a page shows and changes them. */
export class CallerSettings {
  access = $state.raw<Access>(NO_ACCESS);
  usage = $state.raw<Usage>({ day: '', callers: {} });
  /** Keys of the callers that are getting an answer. */
  running = $state.raw<readonly string[]>([]);
  #port: ReturnType<typeof browser.runtime.connect> | undefined;

  constructor() {
    browser.storage.onChanged.addListener((changes, area) => {
      if (area !== 'local') return;
      if (changes[ACCESS] !== undefined) this.access = parseAccess(changes[ACCESS].newValue);
      if (changes[USAGE] !== undefined) this.usage = parseUsage(changes[USAGE].newValue, today());
    });
    void this.#load();
    this.#connect();
  }

  /** Allows a web site. Must be called first in the handler of a click: the browser may ask the user. */
  async allowSite(origin: string): Promise<boolean> {
    const granted = browser.permissions.request({ origins: [patternOf(origin)] });
    // The browser's prompt may close this popup; then the worker stores the access.
    void browser.storage.session.set({ [PENDING_GRANT]: origin });
    const isGranted = await granted;
    await browser.storage.session.remove(PENDING_GRANT);
    if (isGranted) await this.set({ kind: 'site', id: origin, state: 'allowed', model: null });
    return isGranted;
  }

  /** Changes what is stored about a caller. */
  set(entry: CallerEntry): Promise<void> {
    return this.#save((access) => withEntry(access, entry));
  }

  /** Removes the access of a caller, and the browser's permission for its site. */
  async remove(caller: CallerId): Promise<void> {
    await this.#save((access) => withoutEntry(access, caller));
    if (caller.kind !== 'site') return;
    const pattern = patternOf(caller.id);
    const isShared = this.access.callers.some(({ kind, id }) => kind === 'site' && patternOf(id) === pattern);
    if (!isShared) await browser.permissions.remove({ origins: [pattern] });
  }

  /** Stops the running answers of a caller. */
  stop({ kind, id }: CallerId): void {
    this.#connect().postMessage({ kind: 'stop', caller: { kind, id } } satisfies StopCaller);
  }

  setKeepsNative(keepsNative: boolean): Promise<void> {
    return this.#save((access) => ({ ...access, keepsNative }));
  }

  isRunning(caller: CallerId): boolean {
    return this.running.includes(keyOf(caller));
  }

  async #save(change: (access: Access) => Access): Promise<void> {
    // The worker and other pages may have changed it.
    this.access = change(parseAccess((await browser.storage.local.get(ACCESS))[ACCESS]));
    await browser.storage.local.set({ [ACCESS]: this.access });
  }

  async #load(): Promise<void> {
    const stored = await browser.storage.local.get([ACCESS, USAGE]);
    this.access = parseAccess(stored[ACCESS]);
    this.usage = parseUsage(stored[USAGE], today());
  }

  #connect() {
    if (this.#port !== undefined) return this.#port;
    const port = browser.runtime.connect({ name: CALLERS_PORT });
    this.#port = port;
    port.onMessage.addListener((message) => {
      this.running = (message as RunningCallers).callers;
    });
    port.onDisconnect.addListener(() => {
      this.#port = undefined;
      this.running = [];
      setTimeout(() => this.#connect(), RECONNECT_MS);
    });
    return port;
  }
}

function today(): string {
  return dayOf(Date.now());
}
