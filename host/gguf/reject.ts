import { basename } from 'node:path';
import { HostError } from '../common/errors.ts';

/** What a rule of the format or of llama.cpp requires, and what the file contains instead. */
export interface Mismatch {
  readonly expected: string | number;
  readonly found: string | number;
}

/** Creates the error for a file. `what` completes a sentence that starts with the file's name. */
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

/** Longest text from a file that is repeated in a message, characters. A hostile name must not fill the log. */
const MAX_QUOTED = 80;

/** Quotes text from a file, shortened and without control characters. */
export function quote(text: string): string {
  const short = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return JSON.stringify(short);
}
