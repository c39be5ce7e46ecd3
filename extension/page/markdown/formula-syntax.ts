import type { MarkedOptions } from 'marked';

/** Longest formula, characters; a longer one is shown as it was written. */
export const MAX_FORMULA = 1_000;

/** A formula in a text, in TeX. */
export interface FormulaToken {
  readonly type: 'formula';
  /** The formula with its delimiters. */
  readonly raw: string;
  readonly tex: string;
  /** True for a display formula, on a separate line. */
  readonly isDisplay: boolean;
}

/** Delimiters of formulas as models write them; those of display formulas first. */
const DELIMITERS = [
  { open: '$$', close: '$$', isDisplay: true },
  { open: '\\[', close: '\\]', isDisplay: true },
  { open: '\\(', close: '\\)', isDisplay: false },
  { open: '$', close: '$', isDisplay: false },
] as const;

/** Reads the formula at the beginning of a text; undefined if there is none. */
export function readFormula(text: string): FormulaToken | undefined {
  const delimiters = DELIMITERS.find(({ open }) => text.startsWith(open));
  if (delimiters === undefined) return undefined;
  const { open, close, isDisplay } = delimiters;
  const end = text.slice(0, open.length + MAX_FORMULA + close.length).indexOf(close, open.length);
  if (end === -1) return undefined;
  const raw = text.slice(0, end + close.length);
  const tex = text.slice(open.length, end);
  if (tex.trim() === '' || /\n[ \t]*\n/.test(tex)) return undefined;
  if (open === '$' && !isDollarFormula(tex, text.charAt(raw.length))) return undefined;
  return { type: 'formula', raw, tex: tex.trim(), isDisplay };
}

/** Returns whether the text between single dollars is a formula, not an amount or a shell variable, by Pandoc's rules. */
function isDollarFormula(tex: string, next: string): boolean {
  return !/^\s|[\s\\]$|\n/.test(tex) && !/[\p{L}\p{N}]/u.test(next);
}

/** Extends the lexer by inline formulas, and by blocks, whose lines it would otherwise read as lists or headings. */
export const FORMULAS: NonNullable<MarkedOptions['extensions']> = {
  renderers: {},
  childTokens: {},
  inline: [readFormula],
  startInline: [(text) => indexOf(text, /\$|\\[([]/)],
  block: [
    (text) => {
      const formula = readFormula(text);
      const rest = formula?.isDisplay ? /^[ \t]*(?:\n|$)/.exec(text.slice(formula.raw.length)) : null;
      return formula && rest ? { ...formula, raw: formula.raw + rest[0] } : undefined;
    },
  ],
  // The lexer passes the text without its first character.
  startBlock: [
    (text) => {
      const newline = indexOf(text, /\n(?:\$\$|\\\[)/);
      return newline === undefined ? undefined : newline + 1;
    },
  ],
};

function indexOf(text: string, pattern: RegExp): number | undefined {
  const at = text.search(pattern);
  return at === -1 ? undefined : at;
}
