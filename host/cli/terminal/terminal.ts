import { fstatSync } from 'node:fs';

/** A stream that text is written to. */
export interface TextOutput {
  write(text: string): unknown;
}

/** The terminal of a command: results go to stdout, progress and messages for people to stderr. */
export interface Terminal {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly stdin: NodeJS.ReadableStream;
  /** Whether a person reads and types: stdin and stdout are a terminal. */
  readonly interactive: boolean;
  /** Whether stdin is a pipe or a file, which can be read to its end. */
  readonly piped: boolean;
  /** Whether each stream may be styled: it is a terminal, and NO_COLOR is not set. */
  readonly styled: { readonly stdout: boolean; readonly stderr: boolean };
  /** Columns of stderr if it is a terminal that can redraw a line; undefined if it is a file or pipe. */
  readonly columns: number | undefined;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  // https://no-color.org: set, and not empty.
  const styles = !env.NO_COLOR && env.TERM !== 'dumb';
  return {
    stdin,
    stdout,
    stderr,
    env,
    interactive: stdin.isTTY === true && stdout.isTTY === true,
    piped: isPiped(),
    styled: { stdout: styles && stdout.isTTY === true, stderr: styles && stderr.isTTY === true },
    get columns() {
      return stderr.isTTY === true && env.TERM !== 'dumb' ? stderr.columns || DEFAULT_COLUMNS : undefined;
    },
  };
}

/** Width of a terminal that reports none, or 0, as some do that are not displayed. */
const DEFAULT_COLUMNS = 80;

/** The bits of the type in `Stats.mode`, and the type of a pipe. On Windows, `Stats.isFIFO()` is false for all pipes. */
const FILE_TYPE_BITS = 0o170000;
const PIPE_TYPE = 0o010000;

/** A closed stdin, a terminal and /dev/null are no pipes. */
function isPiped(): boolean {
  try {
    const stats = fstatSync(0);
    return (stats.mode & FILE_TYPE_BITS) === PIPE_TYPE || stats.isFile() || stats.isSocket();
  } catch {
    return false;
  }
}
