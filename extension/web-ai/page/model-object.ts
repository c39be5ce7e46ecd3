import { inactive } from './errors.ts';

/** The argument that constructors require, which pages do not have. */
export const INTERNAL = Symbol('internal');

/** @throws TypeError if a page called the constructor. */
export function assertInternal(key: unknown): void {
  if (key !== INTERNAL) throw new TypeError('Illegal constructor');
}

/** The lifetime of an object: it ends with `destroy()`, or with the signal it was created with. */
export class Life {
  readonly #controller = new AbortController();
  readonly #document: Document;

  constructor(document: Document, signal: AbortSignal | undefined) {
    this.#document = document;
    const end = () => this.#controller.abort(signal?.reason);
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end, { once: true });
  }

  end(name: string): void {
    this.#controller.abort(new DOMException('The model was destroyed.', name));
  }

  /** Returns the signal for an operation. @throws the reason if the object has ended or the operation was aborted. */
  begin(signal: AbortSignal | undefined): AbortSignal {
    const gone = inactive(this.#document);
    if (gone !== undefined) throw gone;
    this.#controller.signal.throwIfAborted();
    signal?.throwIfAborted();
    return signal === undefined ? this.#controller.signal : AbortSignal.any([this.#controller.signal, signal]);
  }
}

/** Runs an operation. Errors that it throws reject the promise, also in a detached document. */
export function attempt<T>(run: () => Promise<T>): Promise<T> {
  try {
    return run();
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Returns a stream of an operation's output. Cancelling the stream stops the operation. */
export function streamOf<T>(
  signal: AbortSignal,
  run: (signal: AbortSignal, produce: (chunk: T) => void) => Promise<void>,
): ReadableStream<T> {
  const cancelled = new AbortController();
  return new ReadableStream<T>({
    start(controller) {
      const both = AbortSignal.any([signal, cancelled.signal]);
      run(both, (chunk) => controller.enqueue(chunk)).then(
        () => {
          if (!cancelled.signal.aborted) controller.close();
        },
        (error: unknown) => controller.error(error),
      );
    },
    cancel: (reason) => cancelled.abort(reason),
  });
}
