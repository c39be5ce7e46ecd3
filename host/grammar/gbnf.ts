import type { Range } from './code-points.ts';
import type { Expression, Rule } from './expression.ts';

/** Maximum length of a GBNF grammar, in UTF-16 code units. llama.cpp parses one of this size in about 100 ms. */
export const MAX_GBNF_CHARACTERS = 1024 * 1024;

/**
 * Number of repetitions in one piece. llama.cpp expands each repetition to a rule and rejects more than 2,000 of them,
 * so longer repetitions consist of pieces.
 */
const PIECE = 64;

/** A grammar is longer than {@link MAX_GBNF_CHARACTERS}. */
export class GrammarTooLargeError extends Error {
  override readonly name = 'GrammarTooLargeError';

  constructor() {
    super(`its grammar has more than ${MAX_GBNF_CHARACTERS} characters`);
  }
}

/**
 * Writes a language as a GBNF grammar (llama.cpp's notation) with the start rule `root`.
 *
 * @throws GrammarTooLargeError
 */
export function toGbnf(root: Expression): string {
  return new Writer().write(root);
}

class Writer {
  readonly #names = new Map<Rule, string>();
  readonly #pending: Rule[] = [];
  /** Rules for repeated expressions. */
  readonly #parts = new Map<Expression, Rule>();
  /** Names of the rules for {@link PIECE} repetitions, by the repeated part. */
  readonly #pieces = new Map<string, string>();

  write(root: Expression): string {
    const lines = [`root ::= ${this.#expression(root)}`];
    let size = lines[0]?.length ?? 0;
    for (let rule = this.#pending.shift(); rule !== undefined; rule = this.#pending.shift()) {
      const line = `${this.#names.get(rule)} ::= ${this.#expression(rule.body)}`;
      size += line.length + 1;
      if (size > MAX_GBNF_CHARACTERS) throw new GrammarTooLargeError();
      lines.push(line);
    }
    for (const [part, name] of this.#pieces) lines.push(`${name} ::= ${part}{${PIECE}}`);
    return lines.join('\n');
  }

  #expression(expression: Expression): string {
    if (expression.kind === 'choice') return expression.options.map((option) => this.#part(option)).join(' | ');
    if (expression.kind === 'sequence') return expression.parts.map((part) => this.#part(part)).join(' ');
    return this.#part(expression);
  }

  /** Writes an expression as an element of a sequence. */
  #part(expression: Expression): string {
    switch (expression.kind) {
      case 'text':
        return literal(expression.text);
      case 'class':
        return characterClass(expression.ranges);
      case 'rule':
        return this.#name(expression.rule);
      case 'repeat':
        return this.#repeat(expression.part, expression.min, expression.max);
      case 'sequence':
      case 'choice':
        return `(${this.#expression(expression)})`;
      default:
        throw new TypeError(`"${expression.kind}" cannot be written as GBNF`);
    }
  }

  #repeat(part: Expression, min: number, max: number | undefined): string {
    const once = this.#repeated(part);
    const required = this.#exactly(once, min);
    if (max === undefined) return `${required}${required === '' ? '' : ' '}${once}*`;
    return [required, this.#upTo(once, max - min)].filter((written) => written !== '').join(' ') || '""';
  }

  /** Writes a repeated expression, as a rule if it is not small: llama.cpp copies it for each repetition. */
  #repeated(part: Expression): string {
    if (part.kind === 'class' || part.kind === 'rule') return this.#part(part);
    return this.#name(this.#ruleFor(part, 'part'));
  }

  #exactly(part: string, count: number): string {
    if (count === 0) return '';
    if (count === 1) return part;
    const pieces = Math.floor(count / PIECE);
    if (pieces < 2) return `${part}{${count}}`;
    const rest = this.#exactly(part, count % PIECE);
    return [`${this.#piece(part)}{${pieces}}`, rest].filter((written) => written !== '').join(' ');
  }

  #upTo(part: string, count: number): string {
    if (count === 0) return '';
    if (count === 1) return `${part}?`;
    const pieces = Math.floor(count / PIECE);
    if (pieces < 2) return `${part}{0,${count}}`;
    // The last repetition allows up to twice the size of a piece, because every count must be possible.
    return `${this.#piece(part)}{0,${pieces - 1}} ${part}{0,${PIECE + (count % PIECE)}}`;
  }

  /** Returns the name of the rule for a piece of a long repetition. */
  #piece(part: string): string {
    let name = this.#pieces.get(part);
    if (name === undefined) {
      name = `p${this.#pieces.size}-piece`;
      this.#pieces.set(part, name);
    }
    return name;
  }

  #ruleFor(part: Expression, name: string): Rule {
    let rule = this.#parts.get(part);
    if (rule === undefined) {
      rule = { name, body: part };
      this.#parts.set(part, rule);
    }
    return rule;
  }

  #name(rule: Rule): string {
    let name = this.#names.get(rule);
    if (name === undefined) {
      name = `r${this.#names.size}-${rule.name.replace(/[^a-zA-Z0-9]+/g, '-').slice(0, 40)}`;
      this.#names.set(rule, name);
      this.#pending.push(rule);
    }
    return name;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
  '"': '\\"',
};

function literal(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters must be escaped.
  return `"${text.replace(/[\u0000-\u001f\u007f"\\]/g, (character) => ESCAPES[character] ?? codeEscape(character.charCodeAt(0)))}"`;
}

/** Writes a character class. It is never negated, because that would allow surrogates, which are invalid in UTF-8. */
function characterClass(ranges: readonly Range[]): string {
  const written = ranges.map(([first, last]) =>
    first === last ? classCharacter(first) : `${classCharacter(first)}-${classCharacter(last)}`,
  );
  return `[${written.join('')}]`;
}

function classCharacter(code: number): string {
  const character = String.fromCodePoint(code);
  if (/^[a-zA-Z0-9]$/.test(character)) return character;
  return ESCAPES[character] ?? codeEscape(code);
}

function codeEscape(code: number): string {
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}
