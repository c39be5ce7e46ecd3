import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync, mkdirSync, renameSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';

/** Fields of a log line. They must not contain tokens, prompts or generated text. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes log lines for analyzing errors. Never throws, because a failure to log must not affect the work. */
export interface Logger {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** A log whose lines contain the request to which they belong. */
export interface RequestLog extends Logger {
  /**
   * Runs `work` and adds `fields` to every line that it logs, also in asynchronous calls. Work that several requests
   * share is logged with the fields of the first request.
   */
  withContext<T>(fields: LogFields, work: () => T): T;
}

/**
 * Size at which the log file is renamed to `<name>.1`, in bytes. The total size of the logs is at most twice this, or
 * three times if the file cannot be renamed.
 */
const MAX_LOG_BYTES = 5 * 1024 * 1024;

/** Matches Hugging Face tokens, API keys of `tabagent serve`, and values that may contain a token or signature. */
const SECRETS =
  /hf_[A-Za-z0-9]{8,}|\btabagent-[A-Za-z0-9_-]{43}|(?<=\bbearer\s+)[^\s"]+|(?<=[?&](?:token|signature|x-amz-signature|x-amz-security-token)=)[^\s"&]+/gi;

/**
 * Characters that are dangerous where a log may be pasted or displayed: shell expansions, markup, terminal control
 * characters (C1), other line separators, and bidirectional marks. They are written as JSON escapes.
 */
const ACTIVE = /[$`<>&'\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Creates a log of JSON lines in a file and, with `debug`, on stderr. The file is created with the first line.
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
      // Check the current size, because other hosts write to the same file and may have renamed it.
      const size = sizeOfLog(options.file);
      if (size > MAX_LOG_BYTES) rotate(options.file, size);
      appendFileSync(options.file, line, { mode: 0o600 });
    } catch {
      // The work itself reports a full or read-only disk to the user.
    }
  };

  return {
    info: (event, fields) => write('info', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    error: (event, fields) => write('error', event, fields),
    withContext: (fields, work) => request.run(fields, work),
  };
}

/**
 * Renames a log file. If that fails, as on Windows while another program has either file open, the file grows and is
 * eventually truncated.
 */
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
