import { TabAgentError } from '../client.ts';
import { defineInterface } from './idl.ts';

interface Quota {
  readonly requested?: number | null;
  readonly quota?: number | null;
}

/** Creates the error of a browser for input that is too large. Firefox has no such class yet. */
let makeQuotaError = (message: string, { requested = null, quota = null }: Quota): DOMException =>
  Object.assign(new DOMException(message, 'QuotaExceededError'), { requested, quota });

/** Uses the window's class, and defines one if the window has none. */
export function prepareQuotaError(window: Window & typeof globalThis): void {
  const target = window as unknown as { QuotaExceededError?: new (message: string, options: object) => DOMException };
  if (target.QuotaExceededError === undefined) {
    const own = class QuotaExceededError extends DOMException {
      readonly requested: number | null;
      readonly quota: number | null;

      constructor(message = '', { requested = null, quota = null }: Quota = {}) {
        super(message, 'QuotaExceededError');
        this.requested = requested;
        this.quota = quota;
      }
    };
    defineInterface(window, 'QuotaExceededError', own);
  }
  const { QuotaExceededError } = target;
  if (QuotaExceededError === undefined) return;
  makeQuotaError = (message, { requested, quota }) =>
    new QuotaExceededError(message, {
      ...(typeof requested === 'number' ? { requested } : {}),
      ...(typeof quota === 'number' ? { quota } : {}),
    });
}

/** Converts an error of a request into the exception that the page gets. */
export function toException(error: unknown): unknown {
  if (!(error instanceof TabAgentError)) return error;
  const { name, message, requested, quota } = error;
  if (name === 'QuotaExceededError') return makeQuotaError(message, { requested, quota });
  return new DOMException(message, name);
}

/** Kept, because a detached document has no classes. */
const { DOMException: Exception } = globalThis;

/** Returns the exception for a detached document; undefined for another. */
export function inactive(document: Document): DOMException | undefined {
  if (document.defaultView !== null) return undefined;
  return new Exception('The execution context is not valid.', 'InvalidStateError');
}
