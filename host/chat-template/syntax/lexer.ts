import { TemplateSyntaxError } from '../errors.ts';
import { trimEndWhitespace, WHITESPACE } from '../text/whitespace.ts';
import { readInteger, readString } from './literals.ts';

/** A token. */
export type Token =
  | { readonly type: 'data' | 'name' | 'string'; readonly value: string; readonly line: number }
  | { readonly type: 'integer'; readonly value: number | bigint; readonly line: number }
  | { readonly type: 'float'; readonly value: number; readonly line: number }
  | { readonly type: TokenMark; readonly value: string; readonly line: number };

type TokenMark = 'block_begin' | 'block_end' | 'variable_begin' | 'variable_end' | 'eof' | 'operator';

const SPACE = `[${WHITESPACE}]*`;
const RAW_BEGIN = new RegExp(`\\{%([-+]?)${SPACE}raw${SPACE}(?:-%\\}${SPACE}|%\\})`, 'y');
const RAW_END = new RegExp(`\\{%([-+]?)${SPACE}endraw${SPACE}(?:\\+%\\}|-%\\}${SPACE}|%\\}\\n?)`, 'g');
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}${SPACE}|#\\}\\n?`, 'g');
const BLOCK_END = new RegExp(`\\+%\\}|-%\\}${SPACE}|%\\}\\n?`, 'y');
const VARIABLE_END = new RegExp(`-\\}\\}${SPACE}|\\}\\}`, 'y');
const TAG = /\{[%{#]/g;

const SPACES = new RegExp(`[${WHITESPACE}]+`, 'y');
const ONLY_SPACES = new RegExp(`^[${WHITESPACE}]+$`);
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/y;
const INTEGER = /0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*/y;
const NAME = /[\p{ID_Continue}\p{N}]+/uy;
const IDENTIFIER = /^[\p{ID_Start}_]\p{ID_Continue}*$/u;
const STRING = /'[^'\\]*(?:\\[\s\S][^'\\]*)*'|"[^"\\]*(?:\\[\s\S][^"\\]*)*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y;

/** Tried in this order: a float begins like an integer. */
const TOKEN_PATTERNS: readonly (readonly [RegExp, TokenKind])[] = [
  [FLOAT, 'float'],
  [INTEGER, 'integer'],
  [NAME, 'name'],
  [STRING, 'string'],
  [OPERATOR, 'operator'],
];
type TokenKind = 'float' | 'integer' | 'name' | 'string' | 'operator';

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']' };

/**
 * Splits a template into text and the tokens of its tags. Removes the newline after a block tag (`trim_blocks`) and the
 * indentation before it (`lstrip_blocks`), as `transformers` does.
 *
 * @throws TemplateSyntaxError
 */
export function tokenize(template: string): Token[] {
  return new Lexer(template).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #position = 0;
  #line = 1;
  /** Whether the text before the position ends with a newline, which makes spaces at the position indentation. */
  #lineStarts = true;

  constructor(template: string) {
    const source = template.replace(/\r\n?/g, '\n');
    this.#source = source.endsWith('\n') ? source.slice(0, -1) : source;
  }

  run(): Token[] {
    for (;;) {
      TAG.lastIndex = this.#position;
      const tag = TAG.exec(this.#source);
      if (tag === null) break;
      this.#tag(tag.index, tag[0]);
    }
    this.#data(this.#source.slice(this.#position));
    this.#tokens.push({ type: 'eof', value: '', line: this.#line });
    return this.#tokens;
  }

  #tag(index: number, begin: string): void {
    const raw = begin === '{%' ? matchAt(RAW_BEGIN, this.#source, index) : undefined;
    const sign = raw?.[1] ?? this.#source[index + 2] ?? '';
    this.#textBefore(index, sign, begin === '{{');
    if (raw !== undefined) {
      this.#advance(raw[0]);
      this.#raw();
      return;
    }
    this.#advance(begin + (sign === '-' || sign === '+' ? sign : ''));
    if (begin === '{#') this.#skip(COMMENT_END, 'Missing end of comment tag');
    else this.#code(begin === '{{' ? 'variable' : 'block');
  }

  /** Emits the text before a tag, without the whitespace that the tag strips. */
  #textBefore(index: number, sign: string, isVariable: boolean): void {
    const text = this.#source.slice(this.#position, index);
    const wasLineStart = this.#lineStarts;
    this.#advance(text);
    let kept = text;
    if (sign === '-') kept = trimEndWhitespace(text);
    else if (sign !== '+' && !isVariable) {
      const lineStart = text.lastIndexOf('\n') + 1;
      const indentation = text.slice(lineStart);
      if ((lineStart > 0 || wasLineStart) && ONLY_SPACES.test(indentation)) kept = text.slice(0, lineStart);
    }
    this.#data(kept);
  }

  #raw(): void {
    RAW_END.lastIndex = this.#position;
    const end = RAW_END.exec(this.#source);
    if (end === null) throw this.#error('Missing end of raw directive');
    this.#textBefore(end.index, end[1] ?? '', false);
    this.#advance(end[0]);
  }

  #skip(end: RegExp, missing: string): void {
    end.lastIndex = this.#position;
    const match = end.exec(this.#source);
    if (match === null) throw this.#error(missing);
    this.#advance(this.#source.slice(this.#position, match.index + match[0].length));
  }

  #code(kind: 'block' | 'variable'): void {
    this.#tokens.push({ type: `${kind}_begin`, value: '', line: this.#line });
    const end = kind === 'block' ? BLOCK_END : VARIABLE_END;
    const open: string[] = [];
    while (this.#position < this.#source.length) {
      // Inside brackets, `}}` closes two dictionaries.
      const closed = open.length === 0 ? matchAt(end, this.#source, this.#position) : undefined;
      if (closed !== undefined) {
        this.#tokens.push({ type: `${kind}_end`, value: closed[0], line: this.#line });
        this.#advance(closed[0]);
        return;
      }
      this.#token(open);
    }
  }

  #token(open: string[]): void {
    const spaces = matchAt(SPACES, this.#source, this.#position);
    if (spaces !== undefined) {
      this.#advance(spaces[0]);
      return;
    }
    for (const [pattern, kind] of TOKEN_PATTERNS) {
      const text = matchAt(pattern, this.#source, this.#position)?.[0];
      if (text === undefined) continue;
      if (kind === 'operator') this.#balance(text, open);
      this.#tokens.push(makeToken(kind, text, this.#line));
      this.#advance(text);
      return;
    }
    throw this.#error(`unexpected character ${JSON.stringify(this.#source[this.#position])}`);
  }

  #balance(operator: string, open: string[]): void {
    const closing = CLOSING[operator];
    if (closing !== undefined) open.push(closing);
    else if (operator === '}' || operator === ')' || operator === ']') {
      const expected = open.pop();
      if (expected !== operator) {
        throw this.#error(`unexpected '${operator}'${expected === undefined ? '' : `, expected '${expected}'`}`);
      }
    }
  }

  #data(value: string): void {
    if (value !== '') this.#tokens.push({ type: 'data', value, line: this.#line });
  }

  #advance(text: string): void {
    this.#position += text.length;
    for (let index = text.indexOf('\n'); index !== -1; index = text.indexOf('\n', index + 1)) this.#line += 1;
    if (text !== '') this.#lineStarts = text.endsWith('\n');
  }

  #error(message: string): TemplateSyntaxError {
    return new TemplateSyntaxError(message, this.#line);
  }
}

function makeToken(kind: TokenKind, text: string, line: number): Token {
  switch (kind) {
    case 'float':
      return { type: kind, value: Number(text.replaceAll('_', '')), line };
    case 'integer':
      return { type: kind, value: readInteger(text, line), line };
    case 'name':
      if (!IDENTIFIER.test(text)) throw new TemplateSyntaxError('Invalid character in identifier', line);
      return { type: kind, value: text.normalize('NFKC'), line };
    case 'string':
      return { type: kind, value: readString(text.slice(1, -1), line), line };
    case 'operator':
      return { type: kind, value: text, line };
  }
}

function matchAt(pattern: RegExp, source: string, index: number): RegExpExecArray | undefined {
  pattern.lastIndex = index;
  return pattern.exec(source) ?? undefined;
}
