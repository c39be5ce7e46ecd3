import { createWriteStream, fstatSync, type Stats } from 'node:fs';
import { Socket } from 'node:net';
import { type Readable, Writable } from 'node:stream';

/** The two streams frames travel on. */
export interface FrameStreams {
  readonly input: Readable;
  readonly output: Writable;
}

const STDOUT = 1;
const STDERR = 2;

/**
 * Takes the process's stdin and stdout for frames. From then on `process.stdout`, `console` and whatever prints through
 * them go to stderr, and only the stream returned here reaches stdout. To be called before anything printed.
 *
 * Out of reach are code that writes to descriptor 1 by number, and children that inherit it: the host has neither.
 */
export function takeOverStdio(): FrameStreams {
  const output = openFrameOutput();
  redirectText(openText());
  return { input: process.stdin, output };
}

/**
 * Opens stdout anew, because a write must never hold up the host. `process.stdout` is documented to write synchronously
 * to pipes on Linux and does so on Windows (libuv makes descriptor 1 blocking there); a socket of our own does not on
 * POSIX systems. Files, and Windows' pipes, are written through the thread pool. Neither translates bytes on Windows:
 * Node opens the standard streams binary.
 */
function openFrameOutput(): Writable {
  const stats = fstatSync(STDOUT);
  if (process.platform !== 'win32' && (stats.isFIFO() || stats.isSocket())) {
    return new Socket({ fd: STDOUT, readable: false, writable: true });
  }
  return createWriteStream('', { fd: STDOUT, autoClose: false });
}

/**
 * Where text goes: to stderr, opened with the first line (that takes 1 ms of a start), or nowhere when a launcher made
 * both the same pipe (`2>&1`), since text between frames would cost the connection.
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
  // The global console asks for process.stdout with its first line and keeps it; this also reaches one that has.
  Object.defineProperty(console, '_stdout', { configurable: true, get: text });
  Object.defineProperty(console, '_stderr', { configurable: true, get: text });
}

/** A terminal that started the browser may be gone: text that nobody can read any more is no fault of the host. */
function guard(stream: Writable): Writable {
  return stream.on('error', () => {});
}

function openNowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

function isSamePipe(a: Stats, b: Stats): boolean {
  return (a.isFIFO() || a.isSocket() || a.isFile()) && a.dev === b.dev && a.ino === b.ino;
}
