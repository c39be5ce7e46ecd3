import { basename } from 'node:path';
import { HostError } from '../common/errors.ts';

/** The value that the format or llama.cpp requires, and the value in the file. */
export interface Mismatch {
  readonly expected: string | number;
  readonly found: string | number;
}

/** Creates the error for a file. `what`: the problem, as a clause. */
export type Rejection = (what: string, mismatch: Mismatch) => HostError;

/**
 * Returns a function that creates the error for a file that cannot be loaded: `MODEL_REJECTED` with `{file, expected,
 * found}`.
 *
 * @param file Path or name of the file.
 */
export function rejection(file: string): Rejection {
  return (what, { expected, found }) =>
    new HostError('MODEL_REJECTED', `${basename(file)} cannot be loaded: ${what}.`, {
      details: { file, expected, found },
    });
}

/** Maximum length of text from a file in a message, in characters: a hostile name must not fill the log. */
const MAX_QUOTED = 80;

/** Quotes text from a file for a message: truncates it and escapes control characters. */
export function quote(text: string): string {
  const short = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return JSON.stringify(short);
}
