import type { Writable } from 'node:stream';

/** Who hears how the writing goes. */
export interface FrameWriterListener {
  /** Every byte was taken by the other side's pipe; may be called when that was so already. */
  onDrained(): void;
  /** The other side no longer reads (`EPIPE` and its kin). Called once; frames sent afterwards go nowhere. */
  onBroken(error: Error): void;
}

/** Writes frames to a stream, and knows how many bytes the reader has yet to make room for. */
export class FrameWriter {
  readonly #output: Writable;
  readonly #listener: FrameWriterListener;
  #state: 'open' | 'closed' | 'broken' = 'open';
  #waiting: (() => void)[] = [];

  constructor(output: Writable, listener: FrameWriterListener) {
    this.#output = output;
    this.#listener = listener;
    // These stay for as long as the stream lives: an error nobody listens for would end the process.
    output.on('error', (error: Error) => this.#break(error));
    output.on('close', () => this.#break(new Error('The output was closed.')));
  }

  /** Sends one frame from `encodeFrame`, behind those sent before. Never throws. */
  send(frame: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#output.write(frame, (error) => {
      if (error) this.#break(error);
      else if (!this.blocked) this.#onDrained();
    });
  }

  /** Bytes that the reader has not yet made room for. */
  get queuedBytes(): number {
    return this.#state === 'open' ? this.#output.writableLength : 0;
  }

  /** The reader is behind: what is sent now waits. */
  get blocked(): boolean {
    return this.queuedBytes > 0;
  }

  /** Resolves when every byte was taken, or never will be. */
  drained(): Promise<void> {
    if (!this.blocked) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Sends no more and lets the stream go; what was not taken by now is given up. */
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
