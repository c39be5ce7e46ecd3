import { createWriteStream, fstatSync, type Stats } from 'node:fs';
import { Socket } from 'node:net';
import { type Readable, Writable } from 'node:stream';

/** The streams of a connection. */
export interface FrameStreams {
  readonly input: Readable;
  readonly output: Writable;
}

const STDOUT = 1;
const STDERR = 2;

/**
 * Reserves stdin and stdout for frames. Afterwards, `process.stdout` and `console` write to stderr, and only the
 * returned stream writes to stdout. Call it before anything is printed.
 *
 * Does not affect code that writes to descriptor 1, or child processes that inherit it: the host has neither.
 */
export function takeOverStdio(): FrameStreams {
  const output = openFrameOutput();
  redirectText(openText());
  return { input: process.stdin, output };
}

/**
 * Opens a non-blocking stream for stdout. `process.stdout` writes synchronously to pipes on Linux, as documented, and
 * on Windows (where libuv makes descriptor 1 blocking); a separate socket does not on POSIX systems. Files, and pipes
 * on Windows, are written by the thread pool. Windows does not translate line breaks, because Node.js opens the
 * standard streams in binary mode.
 */
function openFrameOutput(): Writable {
  const stats = fstatSync(STDOUT);
  if (process.platform !== 'win32' && (stats.isFIFO() || stats.isSocket())) {
    return new Socket({ fd: STDOUT, readable: false, writable: true });
  }
  return createWriteStream('', { fd: STDOUT, autoClose: false });
}

/**
 * Returns a function that returns the stream for text: stderr, which is opened with the first line because opening it
 * takes 1 ms. If a launcher redirected stderr to stdout (`2>&1`), text is discarded, because text between frames would
 * break the connection.
 */
function openText(): () => Writable {
  const stderr = Object.getOwnPropertyDescriptor(process, 'stderr');
  const shared = isSamePipe(fstatSync(STDOUT), fstatSync(STDERR));
  let text: Writable | undefined;
  return () => {
    text ??= shared ? openNullStream() : ignoreErrors(stderr?.get?.call(process) ?? stderr?.value);
    return text;
  };
}

function redirectText(text: () => Writable): void {
  for (const name of ['stdout', 'stderr']) {
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: text });
  }
  // The global console caches process.stdout with its first line, so its own properties are redirected as well.
  Object.defineProperty(console, '_stdout', { configurable: true, get: text });
  Object.defineProperty(console, '_stderr', { configurable: true, get: text });
}

/** Ignores errors of a stream for text: the terminal from which the browser was started may have been closed. */
function ignoreErrors(stream: Writable): Writable {
  return stream.on('error', () => {});
}

function openNullStream(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

function isSamePipe(a: Stats, b: Stats): boolean {
  return (a.isFIFO() || a.isSocket() || a.isFile()) && a.dev === b.dev && a.ino === b.ino;
}
