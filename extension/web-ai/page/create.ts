import type { Availability, Fitted, TabAgentClient, Verbs } from '../client.ts';
import { toException } from './errors.ts';
import { isKnownLanguage } from './idl.ts';

/** The smallest step of `downloadprogress`: finer steps could identify a model. */
const PROGRESS_STEPS = 0x10000;

/** Reports the progress of preparing a model to a page. */
class CreateMonitor extends EventTarget {
  #handler: ((event: ProgressEvent) => void) | null = null;

  get ondownloadprogress(): ((event: ProgressEvent) => void) | null {
    return this.#handler;
  }

  set ondownloadprogress(handler: unknown) {
    this.#handler = typeof handler === 'function' ? (handler as (event: ProgressEvent) => void) : null;
  }

  /** Dispatches the event to the handler and the listeners. */
  report(event: ProgressEvent): void {
    this.#handler?.call(this, event);
    this.dispatchEvent(event);
  }
}

/** Options of {@link prepare}. */
export interface Preparation {
  readonly client: TabAgentClient;
  /** The messages that must fit; undefined if no model is needed. */
  readonly fields: Verbs['create']['fields'] | undefined;
  readonly signal: AbortSignal | undefined;
  readonly monitor: unknown;
}

/** The result of fitting no messages. */
const NOTHING_FITTED: Fitted = { evicted: 0, tokens: [], toolTokens: 0, contextWindow: 0 };

/**
 * Prepares the model for an object, and reports the progress to the page's monitor: 0 at first, 1 at the end. Rejects with
 * what the monitor throws, or with an exception for the page.
 */
export async function prepare({ client, fields, signal, monitor }: Preparation): Promise<Fitted> {
  const progress = new Progress(monitor, signal);
  progress.report(0);
  await nextTask();
  signal?.throwIfAborted();
  try {
    const onProgress = (loaded: number) => progress.report(loaded);
    let fitted = NOTHING_FITTED;
    if (fields !== undefined) fitted = await client.request('create', fields, { signal, onProgress });
    // Asks only whether the document may detect languages: without permission, `create` must fail.
    else await client.request('detect', { text: '' }, { signal });
    progress.report(1);
    // A listener may abort at the end: then no object is created.
    await nextTask();
    signal?.throwIfAborted();
    return fitted;
  } catch (error) {
    throw toException(error);
  }
}

class Progress {
  readonly #monitor: CreateMonitor | undefined;
  readonly #signal: AbortSignal | undefined;
  #last = -1;

  constructor(monitor: unknown, signal: AbortSignal | undefined) {
    this.#signal = signal;
    if (monitor === undefined) return;
    if (typeof monitor !== 'function') throw new TypeError('The member "monitor" is not a function.');
    this.#monitor = new CreateMonitor();
    monitor(this.#monitor);
  }

  report(share: number): void {
    const loaded = Math.floor(Math.min(1, Math.max(0, share)) * PROGRESS_STEPS) / PROGRESS_STEPS;
    if (this.#monitor === undefined || loaded <= this.#last || this.#signal?.aborted === true) return;
    this.#last = loaded;
    const event = new ProgressEvent('downloadprogress', { lengthComputable: true, total: 1 });
    // Firefox's constructor accepts only integers.
    Object.defineProperty(event, 'loaded', { value: loaded });
    this.#monitor.report(event);
  }
}

/** Resolves in a new task, after those that are already queued. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Asks whether a model is available, unless a language is not supported. */
export async function availabilityOf(client: TabAgentClient, languages: readonly string[]): Promise<Availability> {
  if (!languages.every(isKnownLanguage)) return 'unavailable';
  try {
    return (await client.request('availability', {})).availability;
  } catch {
    return 'unavailable';
  }
}

/** @throws DOMException `NotSupportedError` for a language that does not exist. */
export function assertLanguages(languages: readonly string[]): void {
  const unknown = languages.find((language) => !isKnownLanguage(language));
  if (unknown !== undefined) throw new DOMException(`The language "${unknown}" is not supported.`, 'NotSupportedError');
}
