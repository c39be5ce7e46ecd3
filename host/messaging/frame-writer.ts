import type { Writable } from 'node:stream';

/** The callbacks of a {@link FrameWriter}. */
export interface FrameWriterListener {
  /** Called when the pipe has accepted every byte. May be called repeatedly. */
  onDrained(): void;
  /** Called once when the client no longer reads (for example `EPIPE`). Frames that are sent afterwards are dropped. */
  onBroken(error: Error): void;
}

/** Writes frames to a stream and counts the bytes that the client has not accepted yet. */
export class FrameWriter {
  readonly #output: Writable;
  readonly #listener: FrameWriterListener;
  #state: 'open' | 'closed' | 'broken' = 'open';
  #waiting: (() => void)[] = [];

  constructor(output: Writable, listener: FrameWriterListener) {
    this.#output = output;
    this.#listener = listener;
    // Never removed: an error without a listener would end the process.
    output.on('error', (error: Error) => this.#break(error));
    output.on('close', () => this.#break(new Error('The output was closed.')));
  }

  /** Sends a frame that `encodeFrame` created. Never throws. */
  send(frame: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#output.write(frame, (error) => {
      if (error) this.#break(error);
      else if (!this.blocked) this.#onDrained();
    });
  }

  /** Number of bytes that the pipe has not accepted yet. */
  get queuedBytes(): number {
    return this.#state === 'open' ? this.#output.writableLength : 0;
  }

  /** Whether the client reads more slowly than frames are sent. */
  get blocked(): boolean {
    return this.queuedBytes > 0;
  }

  /** Resolves when every byte has been accepted or dropped. */
  drained(): Promise<void> {
    if (!this.blocked) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Stops sending and closes the stream. Drops bytes that have not been accepted. */
  close(): void {
    if (this.#state !== 'open') return;
    const { blocked } = this;
    this.#state = 'closed';
    if (blocked) this.#output.destroy();
    else this.#output.end();
    this.#release();
  }

  #onDrained(): void {
    this.#release();
    if (this.#state === 'open') this.#listener.onDrained();
  }

  #break(error: Error): void {
    if (this.#state !== 'open') return;
    this.#state = 'broken';
    this.#output.destroy();
    this.#release();
    this.#listener.onBroken(error);
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
