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
import { type Place, ReplyLine } from './messaging/reply-line.ts';
import type { HostEvent, Reply } from './protocol/messages.ts';
import { type RequestHead, readHead } from './protocol/parse-request.ts';

/** What a handler gets with each message. */
export interface SessionCall {
  /** Aborted with a `HostError` (`ABORTED`) when the client has gone or the host stops. */
  readonly signal: AbortSignal;
  /** Sends an event of this request; `coalescedBy` as in `EventDeclaration`. Events after the reply are dropped. */
  emit(event: HostEvent, coalescedBy?: readonly string[]): void;
}

/** Answers one message. It should not reject: a fault that reaches the session is logged and answered without context. */
export type SessionHandler = (message: JsonObject, call: SessionCall) => Promise<Reply>;

/** The limits of one session; those of the configuration, and two that only tests change. */
export interface SessionLimits extends Pick<HostLimits, 'shutdownGraceMs' | 'maxQueuedReplyBytes'> {
  /** @default ABORT_GRACE_MS */
  readonly abortGraceMs?: number;
  /** @default FLUSH_GRACE_MS */
  readonly flushGraceMs?: number;
}

/**
 * Requests that are worked on, or whose replies wait for their turn. No more are read until one is done. High enough that
 * no client's STOP or CANCEL is ever held up by its own honest work, low enough to bound the memory of a flood.
 */
export const MAX_REQUESTS_IN_FLIGHT = 1024;

/** Time that aborted work has to end before its request is answered without it, milliseconds. Enough for a disk to sync. */
export const ABORT_GRACE_MS = 1_000;

/** Time that a reader has, at the end, to take the last replies, milliseconds. One that reads needs a few. */
export const FLUSH_GRACE_MS = 1_000;

/** One request in flight. */
interface Call {
  readonly head: RequestHead;
  readonly controller: AbortController;
  /** Its place in the line, when it has no `requestId`. */
  readonly place: Place | undefined;
}

/**
 * One connected client: takes its messages to the handler, all at once, and brings back replies and events in the order
 * protocol.md promises. It owns what is in flight, and lives until `finished`.
 */
export class Session {
  /**
   * Resolves when every request is answered, every byte taken or given up, and both streams let go. With the exit code:
   * 0, or 1 after a frame that was too large or cut.
   */
  readonly finished: Promise<number>;
  readonly #handler: SessionHandler;
  readonly #log: Logger;
  readonly #limits: SessionLimits;
  readonly #input: MessageInput;
  readonly #writer: FrameWriter;
  readonly #calls = new Set<Call>();
  readonly #line = new ReplyLine();
  readonly #waiting = new EventCoalescer<Call>();
  /** The input's end, with what was wrong with it. */
  readonly #inputEnd = Promise.withResolvers<HostError | undefined>();
  /** Resolves when all work is to be given up without delay, and why. */
  readonly #givenUp = Promise.withResolvers<undefined>();
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
      hasRoom: () => this.#hasRoom(),
      onMessage: (message) => this.#accept(message),
      onEnd: (fault, cause) => {
        if (cause !== undefined) this.#log.warn('session.input_failed', { error: cause });
        this.#inputEnd.resolve(fault);
      },
    });
    this.finished = this.#run();
  }

  /** Sends an event that belongs to no request. Nothing is sent once the session is over. */
  announce(event: HostEvent): void {
    this.#sendEvent(event);
  }

  /** Reads no more requests and aborts all work with `reason`; its replies still go out. For SIGTERM and its like. */
  stop(reason: HostError): void {
    this.#input.close();
    this.#giveUp(reason);
  }

  async #run(): Promise<number> {
    const { shutdownGraceMs, abortGraceMs = ABORT_GRACE_MS, flushGraceMs = FLUSH_GRACE_MS } = this.#limits;
    const givenUp = this.#givenUp.promise;
    const fault = await Promise.race([this.#inputEnd.promise, givenUp]);
    this.#input.close();
    if (fault === undefined) await within(shutdownGraceMs, Promise.race([this.#idle(), givenUp]));
    const reason = this.#reason ?? clientDisconnected(fault);
    this.#abortAll(reason);
    await within(abortGraceMs, this.#idle());
    this.#answerFor(reason);
    // Behind all others: a client without request ids would take it for the reply to its oldest request.
    if (fault !== undefined) this.#accept(fault);
    await within(flushGraceMs, this.#writer.drained());
    this.#writer.close();
    return fault === undefined ? 0 : 1;
  }

  #hasRoom(): boolean {
    const bytes = this.#writer.queuedBytes + this.#line.waitingBytes;
    return bytes <= this.#limits.maxQueuedReplyBytes && this.#calls.size + this.#line.waiting < MAX_REQUESTS_IN_FLIGHT;
  }

  #accept(message: JsonObject | HostError): void {
    const head = isHostError(message) ? {} : readHead(message);
    const place = head.requestId === undefined ? this.#line.join() : undefined;
    const call: Call = { head, controller: new AbortController(), place };
    this.#calls.add(call);
    if (isHostError(message)) {
      this.#log.info('session.bad_frame', { code: message.code, details: message.details });
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
      this.#log.error('session.handler_failed', { ...call.head, error });
      this.#reply(call, errorReply(error, call.head));
    }
  }

  /** Answers a call, unless the session has done so itself because the handler took too long to end. */
  #reply(call: Call, reply: Reply): void {
    if (!this.#calls.delete(call)) return;
    for (const event of this.#waiting.take(call)) this.#sendEvent(event);
    const frame = this.#encodeReply(call, reply);
    const ready = call.place === undefined ? [frame] : this.#line.fill(call.place, frame);
    for (const next of ready) this.#writer.send(next);
    if (this.#calls.size === 0) this.#whenIdle?.();
    this.#input.pump();
  }

  #encodeReply(call: Call, reply: Reply): Uint8Array {
    try {
      return encodeFrame(reply);
    } catch (error) {
      this.#log.error('session.reply_unsendable', { ...call.head, error });
      return encodeFrame(errorReply(error, call.head));
    }
  }

  #emit(call: Call, event: HostEvent, coalescedBy?: readonly string[]): void {
    if (!this.#calls.has(call)) return;
    const { requestId } = call.head;
    const stamped = requestId === undefined ? event : { ...event, requestId };
    // After those of the same request that are waiting already, even if the client has just caught up.
    if (coalescedBy !== undefined && (this.#writer.blocked || this.#waiting.has(call))) {
      this.#waiting.add(call, coalescingKey(event, coalescedBy), stamped);
      return;
    }
    for (const earlier of this.#waiting.take(call)) this.#sendEvent(earlier);
    this.#sendEvent(stamped);
  }

  #sendEvent(event: HostEvent): void {
    try {
      this.#writer.send(encodeFrame(event));
    } catch (error) {
      this.#log.error('session.event_unsendable', { type: event.type, error });
    }
  }

  #onDrained(): void {
    while (!this.#writer.blocked) {
      const events = this.#waiting.takeNext();
      if (events.length === 0) break;
      for (const event of events) this.#sendEvent(event);
    }
    this.#input.pump();
  }

  #onBroken(error: Error): void {
    this.#log.info('session.output_broken', { error: error.message });
    this.#giveUp(new HostError('ABORTED', 'The client stopped reading replies.', { cause: error }));
  }

  #giveUp(reason: HostError): void {
    this.#reason ??= reason;
    this.#givenUp.resolve(undefined);
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

  /** Answers for handlers that do not end. */
  #answerFor(reason: HostError): void {
    for (const call of [...this.#calls]) {
      this.#log.error('session.work_abandoned', { ...call.head });
      this.#reply(call, errorReply(reason, call.head));
    }
  }
}

/** Waits for `done`, but no longer than `ms` milliseconds. */
async function within(ms: number, done: Promise<void>): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, ms);
  await Promise.race([done, timeout.promise]);
  clearTimeout(timer);
}
