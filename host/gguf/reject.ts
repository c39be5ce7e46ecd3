import { basename } from 'node:path';
import { HostError } from '../common/errors.ts';

/** What a rule of the format or of llama.cpp asks for, and what the file has instead. */
export interface Mismatch {
  readonly expected: string | number;
  readonly found: string | number;
}

/** Makes the error for one file: `what` is the rest of a sentence that begins with the file's name. */
export type Rejection = (what: string, mismatch: Mismatch) => HostError;

/**
 * The one error a file that cannot be loaded leads to: `MODEL_REJECTED` with `{file, expected, found}`.
 *
 * @param file The path or name the file is known by.
 */
export function rejection(file: string): Rejection {
  return (what, { expected, found }) =>
    new HostError('MODEL_REJECTED', `${basename(file)} cannot be loaded: ${what}.`, {
      details: { file, expected, found },
    });
}

/** Longest text of a file that is repeated in a message, characters. A hostile name must not fill the log. */
const MAX_QUOTED = 80;

/** Puts text out of a file into quotes, shortened and without control characters. */
export function quote(text: string): string {
  const short = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return JSON.stringify(short);
}
