import type { FromTabAgent, ToTabAgent } from './client.ts';
import {
  ASK_EVENT,
  FEATURES,
  type Feature,
  MAX_PAGE_MESSAGE,
  MAX_PENDING,
  OFFER_EVENT,
  TOO_MANY_REQUESTS,
} from './names.ts';

/** The part of a runtime port that the bridge uses. */
export interface WorkerPort {
  postMessage(message: object): void;
  disconnect(): void;
  readonly onMessage: { addListener(listener: (message: unknown) => void): void };
  readonly onDisconnect: { addListener(listener: () => void): void };
}

/** A message of a page. */
type FromPage = ToTabAgent & { readonly feature?: unknown };

/** What the bridge adds to a request of a page: whether the user has just used the page. */
export type FromBridge = ToTabAgent & { readonly isActivated: boolean };

/** Tells the page to send its pending requests again. */
export const LOST = 'lost';

/**
 * Connects the main world of a document to the worker, from the extension's isolated world. The port is passed before any
 * code of the page runs, so the page cannot intercept it. Every message is treated as the page's. The bridge checks what
 * the document may use; the worker checks what the site may.
 */
export function bridge(window: Window, connect: () => WorkerPort): void {
  const { document } = window;
  const onOffer = (event: Event) => {
    const [port] = (event as MessageEvent).ports;
    if (port === undefined) return;
    document.removeEventListener(OFFER_EVENT, onOffer);
    new Bridge(window, port, connect);
  };
  document.addEventListener(OFFER_EVENT, onOffer);
  // If the script in the main world ran first, nothing listened to its offer.
  document.dispatchEvent(new Event(ASK_EVENT));
}

class Bridge {
  readonly #window: Window;
  readonly #page: MessagePort;
  readonly #connect: () => WorkerPort;
  /** Ids of the requests that the worker has not answered. */
  readonly #pending = new Set<number>();
  #worker: WorkerPort | undefined;

  constructor(window: Window, page: MessagePort, connect: () => WorkerPort) {
    this.#window = window;
    this.#page = page;
    this.#connect = connect;
    page.onmessage = ({ data }) => void this.#onPage(data);
    // Chromium closes the ports of a document in the back/forward cache without an event.
    window.addEventListener('pagehide', () => this.#close());
    window.addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.#post(LOST);
    });
  }

  async #onPage(data: unknown): Promise<void> {
    const message = read(data);
    if (message === undefined) return;
    const { id, verb } = message;
    if (verb === 'stop') {
      if (!this.#pending.has(id)) return;
      // Without a connection, the request still waits until the document is shown.
      if (this.#worker === undefined) this.#pending.delete(id);
      else this.#send({ id, verb, isActivated: false });
      return;
    }
    if (this.#pending.has(id)) return;
    // What a page floods must not fill the memory of the worker, which serves all pages.
    if (this.#pending.size >= MAX_PENDING) {
      this.#post({ id, kind: 'error', ...TOO_MANY_REQUESTS });
      return;
    }
    this.#pending.add(id);
    await whenShown(this.#window.document);
    if (!this.#pending.has(id)) return;
    if (!isAllowedByPolicy(this.#window, message.feature)) {
      this.#post(refusal(message));
      return;
    }
    const { feature: _, ...request } = message;
    const isActivated = this.#window.navigator.userActivation?.isActive ?? false;
    if (this.#send({ ...request, isActivated })) return;
    this.#post({ id, kind: 'error', name: 'UnknownError', message: 'TabAgent is not there any more.' });
  }

  /** Sends a message to the worker. Returns false if the extension was updated or removed: this script still runs then. */
  #send(message: FromBridge): boolean {
    try {
      this.#open().postMessage(message);
      return true;
    } catch {
      return false;
    }
  }

  #open(): WorkerPort {
    if (this.#worker !== undefined) return this.#worker;
    const worker = this.#connect();
    this.#worker = worker;
    worker.onMessage.addListener((message) => this.#post(message as FromTabAgent));
    worker.onDisconnect.addListener(() => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#post(LOST);
    });
    return worker;
  }

  #close(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.disconnect();
  }

  /** Sends a message as text: an object could be changed by the other world. */
  #post(message: FromTabAgent | typeof LOST): void {
    if (message === LOST) this.#pending.clear();
    else if (message.kind === 'done' || message.kind === 'error') this.#pending.delete(message.id);
    this.#page.postMessage(JSON.stringify(message));
  }
}

function read(data: unknown): FromPage | undefined {
  if (typeof data !== 'string' || data.length > MAX_PAGE_MESSAGE) return undefined;
  try {
    const message: unknown = JSON.parse(data);
    if (typeof message !== 'object' || message === null || !('id' in message)) return undefined;
    return typeof message.id === 'number' ? (message as FromPage) : undefined;
  } catch {
    return undefined;
  }
}

/** Resolves once the document is shown: a prerendered one must not use a model. */
function whenShown(document: Document): Promise<void> | undefined {
  if (!('prerendering' in document) || document.prerendering !== true) return undefined;
  return new Promise((resolve) => document.addEventListener('prerenderingchange', () => resolve(), { once: true }));
}

/** Whether the document may use a feature. A cross-origin frame needs the embedding page's permission. */
function isAllowedByPolicy(window: Window, feature: unknown): boolean {
  if (!FEATURES.includes(feature as Feature)) return false;
  const { featurePolicy } = window.document as Document & {
    featurePolicy?: { features(): string[]; allowsFeature(feature: string): boolean };
  };
  if (featurePolicy?.features().includes(String(feature)) === true) return featurePolicy.allowsFeature(String(feature));
  // A browser that does not know the feature can only apply its default: the origin of the top-level page.
  try {
    return window.top?.origin === window.origin;
  } catch {
    return false;
  }
}

function refusal({ id, verb }: FromPage): FromTabAgent {
  if (verb === 'availability') return { id, kind: 'done', result: { availability: 'unavailable' } };
  const message = 'The permissions policy of the page does not allow this frame to use a model.';
  return { id, kind: 'error', name: 'NotAllowedError', message };
}
