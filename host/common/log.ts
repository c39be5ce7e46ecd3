import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync, mkdirSync, renameSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';

/** Facts of a log line. Never a token, a prompt or a reply's content. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes what an engineer needs to understand a fault afterwards. Never throws: a log that fails must not fail work. */
export interface Logger {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** A log whose lines say which request they belong to. */
export interface RequestLog extends Logger {
  /**
   * Does `work`, and adds `fields` to every line that is written in its course, however many rooms and promises lie
   * between. Work that several requests share is told under the first one's.
   */
  within<T>(fields: LogFields, work: () => T): T;
}

/** The log file is moved to `<name>.1` when it passes this size, so a host keeps at most twice this, bytes; thrice where it cannot be moved. */
const MAX_LOG_BYTES = 5 * 1024 * 1024;

/** Things that look like a Hugging Face token or carry one, wherever they stand. */
const SECRETS =
  /hf_[A-Za-z0-9]{8,}|(?<=\bbearer\s+)[^\s"]+|(?<=[?&](?:token|signature|x-amz-signature|x-amz-security-token)=)[^\s"&]+/gi;

/**
 * Characters that could make a line mean something to another reader than one of JSON, wherever it ends up: expansions of
 * a shell, markup, control sequences of a terminal (C1), line ends of other standards, and the marks that reorder text.
 * JSON has an escape for each of them.
 */
const ACTIVE = /[$`<>&'\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * A log of JSON lines in a file, and on stderr too with `debug`. The file is opened with the first line: a host that
 * has nothing to say writes nothing.
 */
export function createLogger(options: { file: string; debug: boolean }): RequestLog {
  const request = new AsyncLocalStorage<LogFields>();

  const write = (level: string, event: string, fields: LogFields = {}) => {
    try {
      const record = {
        time: new Date().toISOString(),
        level,
        pid: process.pid,
        event,
        ...request.getStore(),
        ...fields,
      };
      const line = `${JSON.stringify(record, describeErrors).replace(SECRETS, '[removed]').replace(ACTIVE, escaped)}\n`;
      if (options.debug) process.stderr.write(line);
      // Other hosts write to the same file, and may have moved it: what is there now decides.
      const size = sizeOfLog(options.file);
      if (size > MAX_LOG_BYTES) rotate(options.file, size);
      appendFileSync(options.file, line, { mode: 0o600 });
    } catch {
      // A full or read-only disk also reaches the user as the error of the work itself; the log has nothing to add.
    }
  };

  return {
    info: (event, fields) => write('info', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    error: (event, fields) => write('error', event, fields),
    within: (fields, work) => request.run(fields, work),
  };
}

/** Moves a log aside. Where that fails, as on Windows while somebody has one of both open, it grows, and is emptied at last. */
function rotate(file: string, size: number): void {
  try {
    renameSync(file, `${file}.1`);
  } catch {
    if (size > 2 * MAX_LOG_BYTES) truncateSync(file);
  }
}

function sizeOfLog(file: string): number {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  return found?.size ?? 0;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function describeErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const code = 'code' in value ? value.code : undefined;
  return { name: value.name, message: value.message, code, stack: value.stack, cause: value.cause };
}
