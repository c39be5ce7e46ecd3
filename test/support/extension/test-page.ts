import type { NativePort } from '../../../extension/host-connection.ts';
import type { ToPage } from '../../../extension/worker/page-messages.ts';
import type { PagePort } from '../../../extension/worker/worker.ts';

/** A page that is connected to the worker, and its port. */
export class TestPage {
  /** The messages of the worker, in order. */
  readonly received: ToPage[] = [];
  readonly #listeners = new Set<(message: unknown) => void>();
  readonly #closers = new Set<() => void>();
  readonly #waiting = new Set<{ matches: (message: ToPage) => boolean; resolve: (message: ToPage) => void }>();

  /** The worker's end. */
  readonly port: PagePort = {
    postMessage: (message) => this.#receive(message as ToPage),
    onMessage: { addListener: (listener) => this.#listeners.add(listener) },
    onDisconnect: { addListener: (listener) => this.#closers.add(listener) },
  };

  /** Sends a message to the worker. */
  send(message: unknown): void {
    for (const listener of this.#listeners) listener(message);
  }

  /** Closes the page. */
  close(): void {
    for (const closer of this.#closers) closer();
  }

  /** Returns the first matching message, which may already have been received. */
  async waitFor(matches: (message: ToPage) => boolean): Promise<ToPage> {
    const found = this.received.find(matches);
    if (found !== undefined) return found;
    return new Promise((resolve) => this.#waiting.add({ matches, resolve }));
  }

  #receive(message: ToPage): void {
    this.received.push(message);
    for (const waiter of this.#waiting) {
      if (!waiter.matches(message)) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(message);
    }
  }
}

/** Returns a native port without a host, which the browser closes immediately. */
export function deadPort(): NativePort {
  return {
    postMessage() {},
    disconnect() {},
    onMessage: { addListener() {} },
    onDisconnect: { addListener: (listener) => queueMicrotask(listener) },
  };
}
