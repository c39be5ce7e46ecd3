import type { NativePort } from '../../../extension/host-connection.ts';
import type { FromTabAgent } from '../../../extension/web-ai/client.ts';

/** A caller of the worker's API, and its port. */
export class FakeCaller {
  readonly received: FromTabAgent[] = [];
  isDisconnected = false;
  readonly #listeners = new Set<(message: unknown) => void>();
  readonly #closers = new Set<() => void>();
  readonly #waiting = new Set<() => void>();
  #nextId = 1;

  /** The worker's end. */
  readonly port: NativePort = {
    postMessage: (message) => {
      this.received.push(structuredClone(message) as FromTabAgent);
      for (const check of [...this.#waiting]) check();
    },
    disconnect: () => {
      this.isDisconnected = true;
    },
    onMessage: { addListener: (listener) => this.#listeners.add(listener) },
    onDisconnect: { addListener: (listener) => this.#closers.add(listener) },
  };

  /** Sends any message. */
  send(message: unknown): void {
    for (const listener of this.#listeners) listener(message);
  }

  /** Sends a request. Returns its ID. */
  start(verb: string, fields: object = {}): number {
    const id = this.#nextId++;
    this.send({ id, verb, ...fields });
    return id;
  }

  /** Sends a request. Resolves with the last message about it. */
  request(verb: string, fields: object = {}): Promise<FromTabAgent> {
    return this.endOf(this.start(verb, fields));
  }

  /** Resolves with the last message about a request. */
  endOf(id: number): Promise<FromTabAgent> {
    return this.waitFor((message) => message.id === id && (message.kind === 'done' || message.kind === 'error'));
  }

  /** Resolves with the first matching message, which may already have been received. */
  waitFor(matches: (message: FromTabAgent) => boolean): Promise<FromTabAgent> {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.received.find(matches);
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** Closes the port. */
  close(): void {
    for (const closer of this.#closers) closer();
  }
}
