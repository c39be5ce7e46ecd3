import { UsageError } from './usage-error.ts';

/** Most characters read from stdin: more than any context holds, or any request may have. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** Reads stdin to its end. Throws {@link UsageError} if there is too much of it. */
export async function readStdin(stdin: NodeJS.ReadableStream): Promise<string> {
  let read = '';
  for await (const text of stdin.setEncoding('utf8')) {
    read += text;
    if (read.length > MAX_CHARACTERS) {
      throw new UsageError(`The input is too long: at most ${MAX_CHARACTERS} characters are read from stdin.`);
    }
  }
  return read;
}
