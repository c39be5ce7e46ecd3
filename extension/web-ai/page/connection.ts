import { LOST } from '../bridge.ts';
import { type ClientPort, TabAgentClient } from '../client.ts';
import { ASK_EVENT, type Feature, MAX_PAGE_MESSAGE, OFFER_EVENT } from '../names.ts';

/** Opens the page's end of the bridge. Returns a function that creates the client of a feature. */
export function openConnection(window: Window & typeof globalThis): (feature: Feature) => TabAgentClient {
  const { document } = window;
  const { port1, port2 } = new MessageChannel();
  const offer = () => void document.dispatchEvent(new MessageEvent(OFFER_EVENT, { ports: [port2] }));
  document.addEventListener(ASK_EVENT, offer, { once: true });
  offer();
  return portTo(port1);
}

/** Returns a function that creates clients on one message port. Each client has its own range of request ids. */
function portTo(port: MessagePort): (feature: Feature) => TabAgentClient {
  const ends = new Set<End>();
  port.onmessage = ({ data }) => {
    const message: unknown = JSON.parse(String(data));
    for (const end of [...ends]) end.receive(message);
  };
  let count = 0;
  return (feature) => {
    const base = count++ * 2 ** 32;
    return new TabAgentClient(() => {
      const end = new End(port, feature, base, () => ends.delete(end));
      ends.add(end);
      return end;
    });
  };
}

/** One client's view of the port. Adds the feature to its requests, and moves their ids into its range. */
class End implements ClientPort {
  readonly #port: MessagePort;
  readonly #feature: Feature;
  readonly #base: number;
  readonly #onLost: () => void;
  readonly #listeners = new Set<(message: unknown) => void>();
  readonly #closers = new Set<() => void>();
  readonly onMessage = { addListener: (listener: (message: unknown) => void) => void this.#listeners.add(listener) };
  readonly onDisconnect = { addListener: (listener: () => void) => void this.#closers.add(listener) };

  constructor(port: MessagePort, feature: Feature, base: number, onLost: () => void) {
    this.#port = port;
    this.#feature = feature;
    this.#base = base;
    this.#onLost = onLost;
  }

  postMessage(message: object): void {
    const { id } = message as { id: number };
    const text = JSON.stringify({ ...message, id: this.#base + id, feature: this.#feature });
    if (text.length > MAX_PAGE_MESSAGE) {
      const error = { id, kind: 'error', name: 'QuotaExceededError', message: 'The input is too large.' };
      queueMicrotask(() => this.#deliver(error));
      return;
    }
    this.#port.postMessage(text);
  }

  receive(message: unknown): void {
    if (message === LOST) {
      this.#onLost();
      for (const closer of this.#closers) closer();
      return;
    }
    const received = message as { id: number };
    const id = received.id - this.#base;
    if (id > 0 && id < 2 ** 32) this.#deliver({ ...received, id });
  }

  #deliver(message: object): void {
    for (const listener of this.#listeners) listener(message);
  }
}
