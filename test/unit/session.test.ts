import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import nativeMessaging from 'chrome-native-messaging';
import { HostError } from '../../host/common/errors.ts';
import type { JsonObject } from '../../host/common/json.ts';
import type { Logger } from '../../host/common/log.ts';
import type { HostEvent, Reply } from '../../host/protocol/messages.ts';
import { readHead } from '../../host/protocol/parse-request.ts';
import {
  MAX_REQUESTS_IN_FLIGHT,
  Session,
  type SessionCall,
  type SessionHandler,
  type SessionLimits,
} from '../../host/session.ts';
import { frame, seeded } from './messaging/frames.ts';

/** A minute: a test that depends on the end of a grace period fails by its own time limit first. */
const NEVER_MS = 60_000;
const LIMITS: SessionLimits = {
  shutdownGraceMs: NEVER_MS,
  maxQueuedReplyBytes: 8 * 1024 * 1024,
  abortGraceMs: NEVER_MS,
  flushGraceMs: NEVER_MS,
};

const silent: Logger = { info: () => {}, warn: () => {}, error: () => {} };

/** A reply or event as a client sees it. */
type Received = Record<string, unknown>;

/** A request that the handler holds until the test answers it. */
interface PendingRequest {
  readonly message: JsonObject;
  readonly call: SessionCall;
  reply(payload?: unknown): void;
  fail(error: unknown): void;
}

/** A one-way connection of the operating system: what is written to `from` is read from `to`. */
interface Pipe {
  readonly from: Socket;
  readonly to: Socket;
}

describe('Session', () => {
  let folder: string;
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  const sessions: Session[] = [];
  const unanswered: (() => void)[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tabagent-session-'));
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const reply of unanswered.splice(0)) reply();
    await Promise.all(sessions.splice(0).map(({ finished }) => finished));
    for (const server of servers.splice(0)) server.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function openPipe(): Promise<Pipe> {
    const name = `${servers.length}.sock`;
    const path =
      process.platform === 'win32' ? `\\\\.\\pipe\\${folder.replaceAll(/\W/g, '-')}-${name}` : join(folder, name);
    const server = createServer({ allowHalfOpen: true }).listen(path);
    servers.push(server);
    await once(server, 'listening');
    const from = connect({ path, allowHalfOpen: true });
    const [to]: Socket[] = await once(server, 'connection');
    if (to === undefined) throw new Error('No connection.');
    // A client that disconnects resets its end, which some tests check.
    from.on('error', () => {});
    sockets.push(from, to);
    return { from, to };
  }

  /** A session on two pipes, with a client that reads from the start unless told otherwise. */
  async function start(options: { handler?: SessionHandler; limits?: Partial<SessionLimits>; slow?: boolean } = {}) {
    const [request, response] = [await openPipe(), await openPipe()];
    const pending = queue<PendingRequest>();
    const received = queue<Received>();
    const logged: string[] = [];
    const note = (event: string) => {
      logged.push(event);
    };
    const log: Logger = { info: note, warn: note, error: note };
    const hold: SessionHandler = (message, call) => {
      const { promise, resolve, reject } = Promise.withResolvers<Reply>();
      const reply = (payload: unknown = {}) => resolve({ status: 'success', payload, ...readHead(message) });
      unanswered.push(reply);
      pending.put({ message, call, reply, fail: reject });
      return promise;
    };
    const session = new Session({
      input: request.to,
      output: response.from,
      handler: options.handler ?? hold,
      log,
      limits: { ...LIMITS, ...options.limits },
    });
    sessions.push(session);
    const output = new nativeMessaging.Output();
    output.pipe(request.from);
    const read = () => {
      const input = response.to.pipe(new nativeMessaging.Input());
      input.on('data', (message: Received) => received.put(message)).on('end', () => received.end());
    };
    if (options.slow !== true) read();
    return {
      session,
      pending,
      received,
      logged,
      request,
      response,
      read,
      /** Sends messages as frames, by the independent implementation. */
      send: (...messages: object[]) => {
        for (const message of messages) output.write(message);
      },
      endInput: () => output.end(),
    };
  }

  /** The fields by which downloads are coalesced. */
  const BY_MODEL = ['modelId'];

  const progress = (loaded: number, fileName = 'f.gguf'): HostEvent => ({
    type: 'MODEL_DOWNLOAD_PROGRESS',
    payload: {
      modelId: `o/r/${fileName}`,
      repoId: 'o/r',
      fileName,
      loaded,
      total: 100,
      progress: loaded,
      bytesPerSecond: 1,
      etaSeconds: null,
    },
  });

  describe('order', () => {
    it('sends replies to requests with a requestId as they finish', async () => {
      const { send, pending, received } = await start();
      send({ action: 'A', requestId: 1 }, { action: 'B', requestId: 'two' }, { action: 'C', requestId: 3 });
      const [a, b, c] = await pending.take(3);
      c?.reply();
      b?.reply();
      a?.reply();
      expect((await received.take(3)).map(({ requestId }) => requestId)).toEqual([3, 'two', 1]);
    });

    it('sends replies to requests without one in the order of the requests, whichever finishes first', async () => {
      const { send, pending, received } = await start();
      send({ action: 'A' }, { action: 'B' }, { action: 'C' }, { action: 'D', requestId: 4 });
      const [a, b, c, d] = await pending.take(4);
      c?.reply();
      b?.reply();
      d?.reply();
      a?.reply();
      expect((await received.take(4)).map(({ action }) => action)).toEqual(['D', 'A', 'B', 'C']);
    });

    it('keeps both orders, in whatever order requests finish (seed 7)', async () => {
      const random = seeded(7);
      const { send, pending, received } = await start();
      const sent = Array.from({ length: 300 }, (_, n) => ({
        action: `A${n}`,
        ...(random() < 0.5 ? { requestId: n } : {}),
      }));
      send(...sent);
      const open = await pending.take(sent.length);
      const finished: unknown[] = [];
      while (open.length > 0) {
        const [next] = open.splice(Math.floor(random() * open.length), 1);
        if (next?.message.requestId !== undefined) finished.push(next.message.requestId);
        next?.reply();
      }
      const replies = await received.take(sent.length);
      const withId = replies.filter(({ requestId }) => requestId !== undefined);
      const without = replies.filter(({ requestId }) => requestId === undefined);
      expect(withId.map(({ requestId }) => requestId)).toEqual(finished);
      expect(without.map(({ action }) => action)).toEqual(
        sent.filter((message) => !('requestId' in message)).map(({ action }) => action),
      );
    });

    it('replies to a body that is not a JSON object in order, and continues', async () => {
      const { request, pending, received } = await start();
      request.from.write(
        Buffer.concat([frame('{"action":"A"}'), frame('oops'), frame(Uint8Array.of(0xff)), frame('{"action":"B"}')]),
      );
      const [a, b] = await pending.take(2);
      b?.reply();
      a?.reply();
      const replies = await received.take(4);
      expect(replies.map(({ action, code }) => action ?? code)).toEqual(['A', 'INVALID_JSON', 'INVALID_JSON', 'B']);
      expect(replies[1]).toMatchObject({ status: 'error', details: { found: 'text that is not JSON' } });
    });

    it('runs requests concurrently', async () => {
      const { send, pending, received } = await start();
      send({ action: 'GENERATE' });
      const [generate] = await pending.take(1);
      send({ action: 'STOP_GENERATION' });
      const [stop] = await pending.take(1);
      stop?.reply();
      generate?.reply();
      expect((await received.take(2)).map(({ action }) => action)).toEqual(['GENERATE', 'STOP_GENERATION']);
    });
  });

  describe('errors of a handler', () => {
    it('result in INTERNAL_ERROR if it rejects, and are logged', async () => {
      const { send, pending, received, logged } = await start();
      send({ action: 'A', requestId: 1 });
      (await pending.take(1))[0]?.fail(new Error('secret'));
      const [reply] = await received.take(1);
      expect(reply).toMatchObject({ status: 'error', code: 'INTERNAL_ERROR', action: 'A', requestId: 1 });
      expect(JSON.stringify(reply)).not.toContain('secret');
      expect(logged).toContain('session.handler-failed');
    });

    it('result in INTERNAL_ERROR if it throws synchronously, or returns a reply that is not JSON', async () => {
      const { send, received } = await start({
        handler: (message) => {
          if (message.action === 'THROW') throw new Error('at once');
          return Promise.resolve({ status: 'success', payload: 1n });
        },
      });
      send({ action: 'THROW' }, { action: 'BIGINT' });
      expect((await received.take(2)).map(({ code }) => code)).toEqual(['INTERNAL_ERROR', 'INTERNAL_ERROR']);
    });

    it('result in REPLY_TOO_LARGE instead of a reply over 1 MiB', async () => {
      const { send, pending, received } = await start();
      send({ action: 'A', requestId: 1 }, { action: 'B', requestId: 2 });
      const [a, b] = await pending.take(2);
      a?.reply('x'.repeat(1024 * 1024));
      b?.reply();
      const [tooLarge, fine] = await received.take(2);
      expect(tooLarge).toMatchObject({ status: 'error', code: 'REPLY_TOO_LARGE', action: 'A', requestId: 1 });
      expect(fine).toMatchObject({ status: 'success', requestId: 2 });
    });
  });

  describe('input', () => {
    it('accepts a request of 60 MiB in small chunks', async () => {
      const text = 'é漢'.repeat((60 * 1024 * 1024) / 5);
      const { request, pending, received } = await start();
      Readable.from(pieces(frame(JSON.stringify({ action: 'A', text })), 50_001)).pipe(request.from, { end: false });
      const [large] = await pending.take(1);
      expect(large?.message.text === text).toBe(true);
      large?.reply();
      expect(await received.take(1)).toMatchObject([{ action: 'A' }]);
    });

    it('accepts requests that arrive byte by byte, split inside characters', async () => {
      const { request, pending } = await start();
      request.from.setNoDelay();
      const bytes = Buffer.concat([frame('{"action":"é漢😀"}'), frame('{"action":"B"}')]);
      for (const byte of bytes) await new Promise((sent) => request.from.write(Uint8Array.of(byte), sent));
      expect((await pending.take(2)).map(({ message }) => message.action)).toEqual(['é漢😀', 'B']);
    });

    it.each([
      ['in a length', frame('{}').subarray(0, 2)],
      ['in a body', frame('{"action":"B"}').subarray(0, 9)],
    ])('exits with an error message and code 1 when the stream ends %s', async (_, cut) => {
      const { request, pending, received, session } = await start();
      request.from.end(Buffer.concat([frame('{"action":"A"}'), cut]));
      const [a] = await pending.take(1);
      await once(aborted(a), 'abort');
      a?.fail(a.call.signal.reason);
      expect((await received.all()).map(({ action, code }) => [action, code])).toEqual([
        ['A', 'ABORTED'],
        [undefined, 'FRAME_TRUNCATED'],
      ]);
      expect(await session.finished).toBe(1);
    });

    it('exits with an error message and code 1 when it reads a length over 64 MiB', async () => {
      const { request, received, session } = await start();
      request.from.write(frame('', 64 * 1024 * 1024 + 1));
      expect(await received.all()).toMatchObject([{ status: 'error', code: 'FRAME_TOO_LARGE' }]);
      expect(await session.finished).toBe(1);
    });

    it('treats an input error like its end', async () => {
      const input = new PassThrough();
      const output = new PassThrough();
      const warned: string[] = [];
      const log: Logger = { info: () => {}, warn: (event) => warned.push(event), error: () => {} };
      const handler: SessionHandler = async () => ({ status: 'success', payload: {} });
      const session = new Session({ input, output, handler, log, limits: LIMITS });
      input.destroy(Object.assign(new Error('read EIO'), { code: 'EIO' }));
      expect(await session.finished).toBe(0);
      expect(warned).toEqual(['session.input-failed']);
    });
  });

  describe('events', () => {
    it('sends every event immediately to a client that reads, with the requestId', async () => {
      const { send, pending, received } = await start();
      send({ action: 'A', requestId: 'r' });
      const [a] = await pending.take(1);
      for (let loaded = 0; loaded < 5; loaded += 1) {
        a?.call.emit(progress(loaded), BY_MODEL);
        expect(await received.take(1)).toMatchObject([{ requestId: 'r', payload: { loaded } }]);
      }
      a?.call.emit(progress(5), BY_MODEL);
      a?.call.emit(progress(6), BY_MODEL);
      a?.reply();
      expect((await received.take(3)).map(({ type, status }) => type ?? status)).toEqual([
        'MODEL_DOWNLOAD_PROGRESS',
        'MODEL_DOWNLOAD_PROGRESS',
        'success',
      ]);
    });

    it('drops events that are emitted after the reply', async () => {
      const { send, pending, received, endInput } = await start();
      send({ action: 'A', requestId: 1 });
      const [a] = await pending.take(1);
      a?.reply();
      await received.take(1);
      a?.call.emit(progress(100), BY_MODEL);
      endInput();
      expect(await received.all()).toEqual([]);
    });

    it('keeps only the newest event of each file for a slow client, and sends it before the reply', async () => {
      const { send, pending, received, response, read } = await start({ slow: true });
      send({ action: 'BIG', requestId: 0 }, { action: 'A', requestId: 1 }, { action: 'B', requestId: 2 });
      const [big, a, b] = await pending.take(3);
      big?.reply('x'.repeat(1_000_000));
      await until(() => response.from.writableLength > 0);
      for (let loaded = 0; loaded <= 100; loaded += 1) {
        a?.call.emit(progress(loaded, 'one.gguf'), BY_MODEL);
        b?.call.emit(progress(loaded, 'one.gguf'), BY_MODEL);
        a?.call.emit(progress(loaded, 'two.gguf'), BY_MODEL);
      }
      const queued = response.from.writableLength;
      expect(queued).toBeLessThan(1_001_000);
      a?.reply();
      read();
      const [, ...rest] = await received.take(5);
      const seen = rest.map(({ requestId, status, payload }) => [
        requestId,
        status,
        Reflect.get(payload ?? {}, 'fileName'),
        Reflect.get(payload ?? {}, 'loaded'),
      ]);
      expect(seen).toEqual([
        [1, undefined, 'one.gguf', 100],
        [1, undefined, 'two.gguf', 100],
        [1, 'success', undefined, undefined],
        [2, undefined, 'one.gguf', 100],
      ]);
    });

    it('sends waiting events in the order in which the newest of each was emitted', async () => {
      const request = new PassThrough();
      const taken: Received[] = [];
      let take = () => {};
      const output = new Writable({
        write(chunk: Buffer, _encoding, done) {
          taken.push(JSON.parse(chunk.subarray(4).toString()));
          take = done;
        },
      });
      const emitted = Promise.withResolvers<SessionCall>();
      const answer = Promise.withResolvers<Reply>();
      const handler: SessionHandler = (_message, call) => {
        emitted.resolve(call);
        return answer.promise;
      };
      const session = new Session({ input: request, output, handler, log: silent, limits: LIMITS });
      request.end(frame('{"action":"A"}'));
      const call = await emitted.promise;
      call.emit(progress(1, 'sent at once'), BY_MODEL);
      call.emit(progress(2, 'a'), BY_MODEL);
      call.emit(progress(3, 'b'), BY_MODEL);
      call.emit(progress(4, 'a'), BY_MODEL);
      take();
      call.emit(progress(5, 'c'), BY_MODEL);
      answer.resolve({ status: 'success', payload: {} });
      while (taken.length < 5) {
        take();
        await new Promise(setImmediate);
      }
      take();
      expect(await session.finished).toBe(0);
      expect(taken.map(({ payload }) => Reflect.get(payload ?? {}, 'loaded'))).toEqual([1, 3, 4, 5, undefined]);
    });

    it('keeps the order of a request when the client catches up', async () => {
      const { send, pending, received, response, read } = await start({ slow: true });
      send({ action: 'BIG', requestId: 0 }, { action: 'A', requestId: 1 });
      const [big, a] = await pending.take(2);
      big?.reply('x'.repeat(1_000_000));
      await until(() => response.from.writableLength > 0);
      a?.call.emit(progress(1), BY_MODEL);
      read();
      for (let loaded = 2; loaded <= 50; loaded += 1) {
        await new Promise(setImmediate);
        a?.call.emit(progress(loaded), BY_MODEL);
      }
      a?.reply();
      const last: unknown[] = [];
      for (let message: Received | undefined; message?.requestId !== 1 || message.status === undefined; ) {
        [message] = await received.take(1);
        if (message?.type !== undefined) last.push(Reflect.get(message.payload ?? {}, 'loaded'));
      }
      expect(last).toEqual([...last].sort((x, y) => Number(x) - Number(y)));
      expect(last.at(-1)).toBe(50);
    });
  });

  describe('back-pressure', () => {
    it('limits queued replies for a client that sends 100,000 PINGs and reads nothing, and finally replies to all', async () => {
      const REQUESTS = 100_000;
      const maxQueuedReplyBytes = 256 * 1024;
      let handled = 0;
      let mostQueued = 0;
      const { request, response, received, read, session } = await start({
        slow: true,
        limits: { maxQueuedReplyBytes },
        handler: async (message) => {
          handled += 1;
          mostQueued = Math.max(mostQueued, response.from.writableLength);
          return { status: 'success', payload: { n: message.n } };
        },
      });
      const pings = Buffer.concat(Array.from({ length: REQUESTS }, (_, n) => frame(`{"action":"PING","n":${n}}`)));
      request.from.end(pings);
      await until(() => response.from.writableLength > maxQueuedReplyBytes && request.to.isPaused());
      const replyBytes = 4 + '{"status":"success","payload":{"n":99999}}'.length;
      expect(response.from.writableLength).toBeLessThan(maxQueuedReplyBytes + MAX_REQUESTS_IN_FLIGHT * replyBytes);
      expect(handled).toBeLessThan(REQUESTS);
      read();
      const replies = await received.all();
      expect(replies.map(({ payload }) => Reflect.get(payload ?? {}, 'n'))).toEqual(
        Array.from({ length: REQUESTS }, (_, n) => n),
      );
      expect(mostQueued).toBeLessThan(maxQueuedReplyBytes + MAX_REQUESTS_IN_FLIGHT * replyBytes);
      expect(await session.finished).toBe(0);
    });

    it('counts replies that wait for an earlier one', async () => {
      const { send, pending, request, received } = await start({ limits: { maxQueuedReplyBytes: 100_000 } });
      send({ action: 'SLOW' }, { action: 'BIG' });
      const [slow, big] = await pending.take(2);
      big?.reply('x'.repeat(200_000));
      send({ action: 'NEXT' });
      await until(() => request.to.isPaused());
      expect(pending.size).toBe(0);
      slow?.reply();
      const [next] = await pending.take(1);
      next?.reply();
      expect((await received.take(3)).map(({ action }) => action)).toEqual(['SLOW', 'BIG', 'NEXT']);
    });

    it(`processes at most ${MAX_REQUESTS_IN_FLIGHT} requests at once, and the next when one is done`, async () => {
      const { send, pending, request } = await start();
      send(...Array.from({ length: MAX_REQUESTS_IN_FLIGHT + 2 }, (_, n) => ({ action: 'A', requestId: n })));
      const open = await pending.take(MAX_REQUESTS_IN_FLIGHT);
      await until(() => request.to.isPaused());
      expect(pending.size).toBe(0);
      open[17]?.reply();
      const [next] = await pending.take(1);
      expect(next?.message.requestId).toBe(MAX_REQUESTS_IN_FLIGHT);
      expect(pending.size).toBe(0);
      next?.reply();
      const [last] = await pending.take(1);
      expect(last?.message.requestId).toBe(MAX_REQUESTS_IN_FLIGHT + 1);
    });
  });

  describe('shutdown', () => {
    it('lets work finish after the end of input, and exits with 0', async () => {
      const { send, pending, received, session, endInput, request } = await start();
      send({ action: 'A' }, { action: 'B', requestId: 1 });
      endInput();
      const [a, b] = await pending.take(2);
      await once(request.to, 'close');
      expect(a?.call.signal.aborted).toBe(false);
      b?.reply();
      a?.reply();
      expect((await received.all()).map(({ action }) => action)).toEqual(['B', 'A']);
      expect(await session.finished).toBe(0);
    });

    it('aborts work that does not finish in time with ABORTED, and still replies', async () => {
      const { send, pending, received, session, endInput } = await start({ limits: { shutdownGraceMs: 1 } });
      send({ action: 'A' });
      endInput();
      const [a] = await pending.take(1);
      await once(aborted(a), 'abort');
      const { reason } = a?.call.signal ?? {};
      expect(reason).toBeInstanceOf(HostError);
      a?.fail(reason);
      expect(await received.all()).toMatchObject([{ action: 'A', status: 'error', code: 'ABORTED' }]);
      expect(await session.finished).toBe(0);
    });

    it('replies even if a handler ignores its signal', async () => {
      const { send, pending, received, session, endInput, logged } = await start({
        limits: { shutdownGraceMs: 1, abortGraceMs: 1 },
      });
      send({ action: 'A' }, { action: 'B' });
      endInput();
      const [, b] = await pending.take(2);
      b?.reply();
      expect((await received.all()).map(({ action, code }) => [action, code])).toEqual([
        ['A', 'ABORTED'],
        ['B', undefined],
      ]);
      expect(await session.finished).toBe(0);
      expect(logged).toContain('session.handler-timeout');
    });

    it('does not wait for a client that neither reads nor disconnects', async () => {
      const { send, pending, session, endInput, response } = await start({ slow: true, limits: { flushGraceMs: 1 } });
      send({ action: 'A', requestId: 1 });
      const [a] = await pending.take(1);
      a?.reply('x'.repeat(1_000_000));
      await until(() => response.from.writableLength > 0);
      endInput();
      expect(await session.finished).toBe(0);
      expect(response.from.destroyed).toBe(true);
    });

    it('waits for a client that reads late', async () => {
      const { send, pending, received, session, endInput, response, request, read } = await start({ slow: true });
      send({ action: 'A', requestId: 1 });
      const [a] = await pending.take(1);
      a?.reply('x'.repeat(1_000_000));
      await until(() => response.from.writableLength > 0);
      endInput();
      await once(request.to, 'close');
      read();
      expect(await received.all()).toHaveLength(1);
      expect(await session.finished).toBe(0);
    });

    it('aborts all work when the client no longer reads, and exits with 0 when it has ended', async () => {
      const { send, pending, session, response } = await start();
      send({ action: 'A', requestId: 1 }, { action: 'B', requestId: 2 });
      const [a, b] = await pending.take(2);
      const [closed, gone] = [once(response.to, 'close'), once(aborted(b), 'abort')];
      response.to.destroy();
      await closed;
      a?.reply();
      await gone;
      expect(b?.call.signal.reason).toMatchObject({ code: 'ABORTED' });
      b?.fail(b.call.signal.reason);
      expect(await session.finished).toBe(0);
    });

    it('stops reading on request, aborts with the reason, and replies', async () => {
      const { send, pending, received, session } = await start();
      send({ action: 'A' });
      const [a] = await pending.take(1);
      const stopped = once(aborted(a), 'abort');
      const reason = new HostError('ABORTED', 'The host was told to stop.');
      session.stop(reason);
      session.stop(new HostError('ABORTED', 'again'));
      await stopped;
      expect(a?.call.signal.reason).toBe(reason);
      a?.fail(reason);
      expect(await received.all()).toMatchObject([{ action: 'A', code: 'ABORTED', message: reason.message }]);
      expect(await session.finished).toBe(0);
    });

    it('exits immediately if there is nothing to do', async () => {
      const { session, endInput, received } = await start();
      endInput();
      expect(await session.finished).toBe(0);
      expect(await received.all()).toEqual([]);
    });
  });
});

/** Returns a queue whose items can be awaited in order. */
function queue<T>() {
  const items: T[] = [];
  let ended = false;
  let wake = Promise.withResolvers<void>();
  const change = () => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  return {
    put(item: T): void {
      items.push(item);
      change();
    },
    end(): void {
      ended = true;
      change();
    },
    get size(): number {
      return items.length;
    },
    /** Waits for `count` items. Fails if the queue ends first. */
    async take(count: number): Promise<T[]> {
      while (items.length < count) {
        if (ended) throw new Error(`Expected ${count}, got ${items.length} before the end.`);
        await wake.promise;
      }
      return items.splice(0, count);
    },
    /** Waits for the end. */
    async all(): Promise<T[]> {
      while (!ended) await wake.promise;
      return items.splice(0);
    },
  };
}

/** Waits until a condition is met for which there is no event. Checks it once per turn of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}

function aborted(pending: PendingRequest | undefined): AbortSignal {
  if (pending === undefined) throw new Error('No request is pending.');
  return pending.call.signal;
}

function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
