import { MAX_INTEGER_DIGITS } from '../syntax/literals.ts';
import { normalize } from '../values/integers.ts';
import type { Integer } from '../values/value.ts';
import { trimEndWhitespace, trimStartWhitespace } from './whitespace.ts';

/** Python's `int(text, base)`; undefined if the text is not an integer in this base. */
export function parseInteger(text: string, base: number): Integer | undefined {
  const trimmed = trimEndWhitespace(trimStartWhitespace(text));
  const match = /^([+-]?)(0[bBoOxX])?_?([\da-zA-Z]+(?:_[\da-zA-Z]+)*)$/.exec(trimmed);
  if (match === null || trimmed.length > MAX_INTEGER_DIGITS) return undefined;
  const [, sign, prefix, body = ''] = match;
  const digits = body.replaceAll('_', '');
  const prefixBase = { b: 2, o: 8, x: 16 }[prefix?.slice(1).toLowerCase() ?? ''];
  // The prefix of another base is part of the digits: `0b1` is valid in base 16.
  const fits = prefix === undefined || base === 0 || prefixBase === base;
  const radix = base === 0 ? (prefixBase ?? 10) : base;
  const all = fits ? digits : (prefix ?? '') + digits;
  if (base === 0 && prefix === undefined && /^0\d*[1-9]/.test(all)) return undefined;
  let value = 0n;
  if (radix === 10) {
    if (!/^\d+$/.test(all)) return undefined;
    value = BigInt(all);
  } else {
    for (const character of all) {
      const digit = Number.parseInt(character, 36);
      if (!(digit < radix)) return undefined;
      value = value * BigInt(radix) + BigInt(digit);
    }
  }
  return normalize(sign === '-' ? -value : value);
}

/** Python's `float(text)`; undefined if the text is not a number. */
export function parseFloatText(text: string): number | undefined {
  const trimmed = trimEndWhitespace(trimStartWhitespace(text));
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(trimmed);
  if (special !== null) {
    if (special[2]?.toLowerCase() === 'nan') return Number.NaN;
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const digits = String.raw`\d+(?:_\d+)*`;
  const number = new RegExp(`^[+-]?(?:${digits}\\.?(?:${digits})?|\\.${digits})(?:[eE][+-]?${digits})?$`);
  return number.test(trimmed) ? Number(trimmed.replaceAll('_', '')) : undefined;
}
