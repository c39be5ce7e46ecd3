import type { NativePort } from '../../../extension/host-connection.ts';
import type { ToPage } from '../../../extension/worker/page-messages.ts';
import type { PagePort } from '../../../extension/worker/worker.ts';

/** A page's port as `runtime.onConnect` gives it, and the page at its other end. */
export class PageEnd {
  /** What the worker said, in order. */
  readonly heard: ToPage[] = [];
  readonly #listeners = new Set<(message: unknown) => void>();
  readonly #closers = new Set<() => void>();
  readonly #waiting = new Set<{ matches: (message: ToPage) => boolean; resolve: (message: ToPage) => void }>();

  /** The worker's end. */
  readonly port: PagePort = {
    postMessage: (message) => this.#hear(message as ToPage),
    onMessage: { addListener: (listener) => this.#listeners.add(listener) },
    onDisconnect: { addListener: (listener) => this.#closers.add(listener) },
  };

  /** Says something to the worker. */
  say(message: unknown): void {
    for (const listener of this.#listeners) listener(message);
  }

  /** The page is closed. */
  close(): void {
    for (const closer of this.#closers) closer();
  }

  /** The first message that fits, one that was heard already too. */
  async hears(matches: (message: ToPage) => boolean): Promise<ToPage> {
    const found = this.heard.find(matches);
    if (found !== undefined) return found;
    return new Promise((resolve) => this.#waiting.add({ matches, resolve }));
  }

  #hear(message: ToPage): void {
    this.heard.push(message);
    for (const waiter of this.#waiting) {
      if (!waiter.matches(message)) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(message);
    }
  }
}

/** A native port whose host never was: the browser closes it at once, with its reason. */
export function deadPort(): NativePort {
  return {
    postMessage() {},
    disconnect() {},
    onMessage: { addListener() {} },
    onDisconnect: { addListener: (listener) => queueMicrotask(listener) },
  };
}
