import type { Readable } from 'node:stream';
import type { HostError } from '../common/errors.ts';
import type { JsonObject } from '../common/json.ts';
import { FrameReader } from './frame-reader.ts';
import { parseBody } from './message-body.ts';

/** Who takes the messages. */
export interface MessageTaker {
  /** Says whether one more message can be taken now. While it says no, nothing is read from the stream. */
  hasRoom(): boolean;
  /** Hears each message in order; a body that is no JSON object as its `INVALID_JSON`. */
  onMessage(message: JsonObject | HostError): void;
  /** Hears the end, once: `fault` when the stream did not end between frames, `cause` when it failed. */
  onEnd(fault: HostError | undefined, cause: Error | undefined): void;
}

/** Reads messages from a stream as fast as they are taken. */
export class MessageInput {
  readonly #stream: Readable;
  readonly #taker: MessageTaker;
  readonly #frames = new FrameReader();
  #paused = false;
  #pumping = false;
  #closed = false;
  #streamEnd: { cause: Error | undefined } | undefined;

  /** Begins to read with the next turn of the event loop. */
  constructor(stream: Readable, taker: MessageTaker) {
    this.#stream = stream;
    this.#taker = taker;
    stream.on('data', (chunk: Uint8Array) => {
      this.#frames.push(chunk);
      this.pump();
    });
    stream.on('end', () => this.#onStreamEnd(undefined));
    stream.on('error', (cause: Error) => this.#onStreamEnd(cause));
    stream.on('close', () => this.#onStreamEnd(undefined));
  }

  /** Goes on reading: to be called when there is room again. */
  pump(): void {
    // A message that is answered while it is handed over makes room, and so calls this again.
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#closed && this.#next()) {}
    this.#pumping = false;
  }

  /** Reads no more and lets the stream go. */
  close(): void {
    this.#closed = true;
    this.#stream.destroy();
  }

  /** Hands one message over; says whether there may be another one now. */
  #next(): boolean {
    if (!this.#taker.hasRoom()) {
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
    this.#taker.onMessage(parseBody(body));
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

  #finish(fault: HostError | undefined, cause: Error | undefined): void {
    this.close();
    this.#taker.onEnd(fault, cause);
  }
}
