/** A stream that words go to. */
export interface TextOutput {
  write(text: string): unknown;
}

/** Where a command was typed: results go to stdout, progress and everything else a person should read to stderr. */
export interface Terminal {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Where a person, or a pipe, answers. */
  readonly stdin: NodeJS.ReadableStream;
  /** Both ends of a conversation are a person: stdin and stdout. */
  readonly interactive: boolean;
  /** Whether text on each may be styled: a terminal, and NO_COLOR is not set. */
  readonly styled: { readonly stdout: boolean; readonly stderr: boolean };
  /** Characters in a line of stderr while it can be drawn over; undefined where it goes to a file or pipe. */
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
    styled: { stdout: styles && stdout.isTTY === true, stderr: styles && stderr.isTTY === true },
    columns: stderr.isTTY === true && env.TERM !== 'dumb' ? stderr.columns || DEFAULT_COLUMNS : undefined,
  };
}

/** Width of a terminal that does not say how wide it is, or says 0, as some do that nobody looks at. */
const DEFAULT_COLUMNS = 80;
