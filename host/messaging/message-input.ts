import type { Readable } from 'node:stream';
import type { HostError } from '../common/errors.ts';
import type { JsonObject } from '../common/json.ts';
import { FrameReader } from './frame-reader.ts';
import { parseBody } from './message-body.ts';

/** The callbacks of a {@link MessageInput}. */
export interface MessageReceiver {
  /** Returns whether another message can be accepted. While it returns false, the stream is paused. */
  canAccept(): boolean;
  /** Called with each message, in order, and with `INVALID_JSON` for a body that is not a JSON object. */
  onMessage(message: JsonObject | HostError): void;
  /**
   * Called once at the end. `frameError`: set if the stream ended inside a frame. `cause`: set if the stream failed.
   */
  onEnd(frameError: HostError | undefined, cause: Error | undefined): void;
}

/** Reads messages from a stream, with back-pressure. */
export class MessageInput {
  readonly #stream: Readable;
  readonly #receiver: MessageReceiver;
  readonly #frames = new FrameReader();
  #paused = false;
  #pumping = false;
  #closed = false;
  #streamEnd: { cause: Error | undefined } | undefined;

  /** Starts reading in the next iteration of the event loop. */
  constructor(stream: Readable, receiver: MessageReceiver) {
    this.#stream = stream;
    this.#receiver = receiver;
    stream.on('data', (chunk: Uint8Array) => {
      this.#frames.push(chunk);
      this.pump();
    });
    stream.on('end', () => this.#onStreamEnd(undefined));
    stream.on('error', (cause: Error) => this.#onStreamEnd(cause));
    stream.on('close', () => this.#onStreamEnd(undefined));
  }

  /** Continues reading. Call it when another message can be accepted. */
  pump(): void {
    // Answering a message synchronously calls this method again.
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#closed && this.#next()) {}
    this.#pumping = false;
  }

  /** Stops reading and closes the stream. */
  close(): void {
    this.#closed = true;
    this.#stream.destroy();
  }

  /** Delivers one message. Returns whether another one may be available. */
  #next(): boolean {
    if (!this.#receiver.canAccept()) {
      this.#pause(true);
      return false;
    }
    const body = this.#frames.read();
    if (body === undefined) {
      if (this.#streamEnd === undefined) this.#pause(false);
      else this.#finish(this.#frames.end(), this.#streamEnd.cause);
      return false;
    }
    if (body instanceof Error) {
      this.#finish(body, undefined);
      return false;
    }
    this.#receiver.onMessage(parseBody(body));
    return true;
  }

  #pause(paused: boolean): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    if (paused) this.#stream.pause();
    else this.#stream.resume();
  }

  #onStreamEnd(cause: Error | undefined): void {
    this.#streamEnd ??= { cause };
    this.pump();
  }

  #finish(frameError: HostError | undefined, cause: Error | undefined): void {
    this.close();
    this.#receiver.onEnd(frameError, cause);
  }
}
