import type { Readable, Writable } from 'node:stream';
import { HostError, isHostError } from './common/errors.ts';
import { clientDisconnected } from './common/host-errors.ts';
import type { JsonObject } from './common/json.ts';
import type { Logger } from './common/log.ts';
import type { HostLimits } from './config.ts';
import { errorReply } from './messaging/error-reply.ts';
import { coalescingKey, EventCoalescer } from './messaging/event-coalescer.ts';
import { encodeFrame } from './messaging/frame.ts';
import { FrameWriter } from './messaging/frame-writer.ts';
import { MessageInput } from './messaging/message-input.ts';
import { ReplyQueue, type ReplySlot } from './messaging/reply-queue.ts';
import type { HostEvent, Reply } from './protocol/messages.ts';
import { type RequestHead, readHead } from './protocol/parse-request.ts';

/** The second argument of a handler. */
export interface SessionCall {
  /** Aborted with a `HostError` (`ABORTED`) when the client disconnects or the host shuts down. */
  readonly signal: AbortSignal;
  /** Sends an event of this request; `coalescedBy` as in `EventDeclaration`. Events after the reply are dropped. */
  emit(event: HostEvent, coalescedBy?: readonly string[]): void;
}

/** Answers a message. Should not reject: the session would log the error and reply without its context. */
export type SessionHandler = (message: JsonObject, call: SessionCall) => Promise<Reply>;

/** The limits of a session. Only tests change the two grace periods. */
export interface SessionLimits extends Pick<HostLimits, 'shutdownGraceMs' | 'maxQueuedReplyBytes'> {
  /** Maximum size of a reply or event, in bytes of JSON. @default MAX_REPLY_BYTES */
  readonly maxReplyBytes?: number;
  /** @default ABORT_GRACE_MS */
  readonly abortGraceMs?: number;
  /** @default FLUSH_GRACE_MS */
  readonly flushGraceMs?: number;
}

/**
 * Maximum number of requests that are running or whose replies wait for earlier ones. No more are read until one is
 * done. The limit is high enough that the requests of a well-behaved client never delay its STOP or CANCEL, and low
 * enough to limit the memory that a flood of requests can take.
 */
export const MAX_REQUESTS_IN_FLIGHT = 1024;

/**
 * Time limit for aborted work to end, in milliseconds. After that, its request is answered without it. Syncing a disk
 * takes less.
 */
export const ABORT_GRACE_MS = 1_000;

/** Time limit for a client to read the last replies, in milliseconds. A client that still reads takes a few. */
export const FLUSH_GRACE_MS = 1_000;

/** A running request. */
interface Call {
  readonly head: RequestHead;
  readonly controller: AbortController;
  /** Slot in the queue of replies; undefined for a request with a `requestId`. */
  readonly slot: ReplySlot | undefined;
}

/**
 * The connection to one client. Passes messages to the handler, which works on them concurrently, and sends replies and
 * events in the order described in `docs/protocol.md`.
 */
export class Session {
  /**
   * Resolves with the exit code when every request has been answered, every byte has been written or dropped, and both
   * streams are closed. The exit code is 0, or 1 after a frame that was too large or truncated.
   */
  readonly finished: Promise<number>;
  readonly #handler: SessionHandler;
  readonly #log: Logger;
  readonly #limits: SessionLimits;
  readonly #input: MessageInput;
  readonly #writer: FrameWriter;
  readonly #calls = new Set<Call>();
  readonly #replies = new ReplyQueue();
  readonly #events = new EventCoalescer<Call>();
  /** Resolves when the input ends, with the error of its last frame if that was invalid. */
  readonly #inputEnd = Promise.withResolvers<HostError | undefined>();
  /** Resolves when all work must be aborted immediately. */
  readonly #aborted = Promise.withResolvers<undefined>();
  #reason: HostError | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(options: {
    input: Readable;
    output: Writable;
    handler: SessionHandler;
    log: Logger;
    limits: SessionLimits;
  }) {
    this.#handler = options.handler;
    this.#log = options.log;
    this.#limits = options.limits;
    this.#writer = new FrameWriter(options.output, {
      onDrained: () => this.#onDrained(),
      onBroken: (error) => this.#onBroken(error),
    });
    this.#input = new MessageInput(options.input, {
      canAccept: () => this.#canAccept(),
      onMessage: (message) => this.#accept(message),
      onEnd: (frameError, cause) => {
        if (cause !== undefined) this.#log.warn('session.input-failed', { error: cause });
        this.#inputEnd.resolve(frameError);
      },
    });
    this.finished = this.#run();
  }

  /** Sends an event that belongs to no request. Does nothing once the session has ended. */
  announce(event: HostEvent): void {
    this.#sendEvent(event);
  }

  /** Stops reading requests and aborts all work with `reason`, as on SIGTERM. The replies are still sent. */
  stop(reason: HostError): void {
    this.#input.close();
    this.#abort(reason);
  }

  async #run(): Promise<number> {
    const { shutdownGraceMs, abortGraceMs = ABORT_GRACE_MS, flushGraceMs = FLUSH_GRACE_MS } = this.#limits;
    const aborted = this.#aborted.promise;
    const frameError = await Promise.race([this.#inputEnd.promise, aborted]);
    this.#input.close();
    if (frameError === undefined) await settleWithin(shutdownGraceMs, Promise.race([this.#idle(), aborted]));
    const reason = this.#reason ?? clientDisconnected(frameError);
    this.#abortAll(reason);
    await settleWithin(abortGraceMs, this.#idle());
    this.#answerAll(reason);
    // The reply to an invalid frame comes last. A client without request ids would match it to its oldest request.
    if (frameError !== undefined) this.#accept(frameError);
    await settleWithin(flushGraceMs, this.#writer.drained());
    this.#writer.close();
    return frameError === undefined ? 0 : 1;
  }

  #canAccept(): boolean {
    const bytes = this.#writer.queuedBytes + this.#replies.waitingBytes;
    return (
      bytes <= this.#limits.maxQueuedReplyBytes && this.#calls.size + this.#replies.waiting < MAX_REQUESTS_IN_FLIGHT
    );
  }

  #accept(message: JsonObject | HostError): void {
    const head = isHostError(message) ? {} : readHead(message);
    const slot = head.requestId === undefined ? this.#replies.add() : undefined;
    const call: Call = { head, controller: new AbortController(), slot };
    this.#calls.add(call);
    if (isHostError(message)) {
      this.#log.info('session.invalid-message', { code: message.code, details: message.details });
      this.#reply(call, errorReply(message, head));
    } else {
      void this.#work(call, message);
    }
  }

  async #work(call: Call, message: JsonObject): Promise<void> {
    const { signal } = call.controller;
    try {
      this.#reply(call, await this.#handler(message, { signal, emit: (...event) => this.#emit(call, ...event) }));
    } catch (error) {
      this.#log.error('session.handler-failed', { ...call.head, error });
      this.#reply(call, errorReply(error, call.head));
    }
  }

  /** Answers a request, unless the session already did because the handler took too long to end. */
  #reply(call: Call, reply: Reply): void {
    if (!this.#calls.delete(call)) return;
    for (const event of this.#events.take(call)) this.#sendEvent(event);
    const frame = this.#encodeReply(call, reply);
    const ready = call.slot === undefined ? [frame] : this.#replies.fill(call.slot, frame);
    for (const next of ready) this.#writer.send(next);
    if (this.#calls.size === 0) this.#whenIdle?.();
    this.#input.pump();
  }

  #encodeReply(call: Call, reply: Reply): Uint8Array {
    try {
      return encodeFrame(reply, this.#limits.maxReplyBytes);
    } catch (error) {
      this.#log.error('session.reply-not-sent', { ...call.head, error });
      return encodeFrame(errorReply(error, call.head));
    }
  }

  #emit(call: Call, event: HostEvent, coalescedBy?: readonly string[]): void {
    if (!this.#calls.has(call)) return;
    const { requestId } = call.head;
    const stamped = requestId === undefined ? event : { ...event, requestId };
    // Events of a request stay in order: if earlier ones are waiting, this one waits behind them.
    if (coalescedBy !== undefined && (this.#writer.blocked || this.#events.has(call))) {
      this.#events.add(call, coalescingKey(event, coalescedBy), stamped);
      return;
    }
    for (const earlier of this.#events.take(call)) this.#sendEvent(earlier);
    this.#sendEvent(stamped);
  }

  #sendEvent(event: HostEvent): void {
    try {
      this.#writer.send(encodeFrame(event, this.#limits.maxReplyBytes));
    } catch (error) {
      this.#log.error('session.event-not-sent', { type: event.type, error });
    }
  }

  #onDrained(): void {
    while (!this.#writer.blocked) {
      const events = this.#events.takeNext();
      if (events.length === 0) break;
      for (const event of events) this.#sendEvent(event);
    }
    this.#input.pump();
  }

  #onBroken(error: Error): void {
    this.#log.info('session.output-failed', { error: error.message });
    this.#abort(new HostError('ABORTED', 'The client stopped reading replies.', { cause: error }));
  }

  #abort(reason: HostError): void {
    this.#reason ??= reason;
    this.#aborted.resolve(undefined);
  }

  #idle(): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  #abortAll(reason: HostError): void {
    for (const call of [...this.#calls]) call.controller.abort(reason);
  }

  /** Answers the requests whose handlers have not ended. */
  #answerAll(reason: HostError): void {
    for (const call of [...this.#calls]) {
      this.#log.error('session.handler-timeout', { ...call.head });
      this.#reply(call, errorReply(reason, call.head));
    }
  }
}

/** Resolves when `done` resolves, at the latest after `ms` milliseconds. */
async function settleWithin(ms: number, done: Promise<void>): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, ms);
  await Promise.race([done, timeout.promise]);
  clearTimeout(timer);
}
