import { TemplateSyntaxError } from '../errors.ts';

/** Maximum number of digits of an integer literal or string: Python's limit for parsing and printing integers. */
export const MAX_INTEGER_DIGITS = 4_300;

/** Matches an escape sequence, or a backslash before any other character. */
const ESCAPE = /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|N\{[^}]*\}|([\s\S]))/g;

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Decodes the content of a string literal. A backslash that starts no escape sequence is kept, as in Python. */
export function readString(content: string, line: number): string {
  if (!content.includes('\\')) return content;
  return content.replace(ESCAPE, (whole, octal, hex, four, eight, simple: string | undefined) => {
    const digits: string | undefined = hex ?? four ?? eight;
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    if (digits !== undefined) {
      const code = Number.parseInt(digits, 16);
      if (code > 0x10ffff) throw new TemplateSyntaxError('illegal Unicode character', line);
      return String.fromCodePoint(code);
    }
    if (simple === undefined) throw new TemplateSyntaxError('\\N{…} escapes are not supported', line);
    if (simple === 'x' || simple === 'u' || simple === 'U' || simple === 'N') {
      throw new TemplateSyntaxError(`truncated \\${simple} escape`, line);
    }
    return SIMPLE_ESCAPES[simple] ?? whole;
  });
}

/** Returns the value of an integer literal: a number if that is exact, else a bigint. */
export function readInteger(text: string, line: number): number | bigint {
  const digits = text.replaceAll('_', '');
  if (digits.length > MAX_INTEGER_DIGITS) throw new TemplateSyntaxError('the integer has too many digits', line);
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : BigInt(digits);
}
