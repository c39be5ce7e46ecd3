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
 * Reserves stdin and stdout for frames. From then on, `process.stdout` and `console` write to stderr, and only the stream
 * returned here writes to stdout. To be called before anything is printed.
 *
 * Does not redirect code that writes to descriptor 1 by number, or children that inherit it: the host has neither.
 */
export function takeOverStdio(): FrameStreams {
  const output = openFrameOutput();
  redirectText(openText());
  return { input: process.stdin, output };
}

/**
 * Opens stdout again, because writing must never block the host. `process.stdout` is documented to write synchronously
 * to pipes on Linux, and does so on Windows (libuv makes descriptor 1 blocking there); a separate socket does not on
 * POSIX systems. Files, and pipes on Windows, are written by the thread pool. Nothing translates bytes on Windows: Node
 * opens the standard streams in binary mode.
 */
function openFrameOutput(): Writable {
  const stats = fstatSync(STDOUT);
  if (process.platform !== 'win32' && (stats.isFIFO() || stats.isSocket())) {
    return new Socket({ fd: STDOUT, readable: false, writable: true });
  }
  return createWriteStream('', { fd: STDOUT, autoClose: false });
}

/**
 * Returns where text goes: to stderr, opened with the first line (opening it takes 1 ms of the start), or nowhere if a
 * launcher has made both the same pipe (`2>&1`), since text between frames would break the connection.
 */
function openText(): () => Writable {
  const stderr = Object.getOwnPropertyDescriptor(process, 'stderr');
  const shared = isSamePipe(fstatSync(STDOUT), fstatSync(STDERR));
  let text: Writable | undefined;
  return () => {
    text ??= shared ? openNowhere() : guard(stderr?.get?.call(process) ?? stderr?.value);
    return text;
  };
}

function redirectText(text: () => Writable): void {
  for (const name of ['stdout', 'stderr']) {
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: text });
  }
  // The global console reads process.stdout with its first line and keeps it; this also redirects one that has.
  Object.defineProperty(console, '_stdout', { configurable: true, get: text });
  Object.defineProperty(console, '_stderr', { configurable: true, get: text });
}

/** The terminal that started the browser may be closed: text that nobody can read is not an error. */
function guard(stream: Writable): Writable {
  return stream.on('error', () => {});
}

function openNowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

function isSamePipe(a: Stats, b: Stats): boolean {
  return (a.isFIFO() || a.isSocket() || a.isFile()) && a.dev === b.dev && a.ino === b.ino;
}
