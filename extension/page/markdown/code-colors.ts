import type { Emitter } from 'highlight.js';
import hljs from 'highlight.js/lib/common';

/** A part of code; parts of one kind have one color. */
export interface CodePart {
  readonly kind: CodeKind | undefined;
  readonly text: string;
}

export type CodeKind = 'added' | 'comment' | 'keyword' | 'name' | 'removed' | 'string' | 'type' | 'value';

/** Code and its parts, which together are the code. */
export interface ColoredCode {
  readonly code: string;
  readonly parts: readonly CodePart[];
}

/** Kinds by the first part of the library's scopes. Other scopes have no color. */
const KINDS: Readonly<Record<string, CodeKind>> = {
  addition: 'added',
  attr: 'name',
  attribute: 'name',
  built_in: 'type',
  bullet: 'keyword',
  char: 'string',
  class: 'type',
  comment: 'comment',
  deletion: 'removed',
  doctag: 'keyword',
  keyword: 'keyword',
  link: 'string',
  literal: 'value',
  meta: 'comment',
  name: 'keyword',
  number: 'value',
  property: 'name',
  quote: 'comment',
  regexp: 'string',
  section: 'name',
  string: 'string',
  symbol: 'value',
  tag: 'keyword',
  title: 'name',
  type: 'type',
  variable: 'value',
};

/** Collects parts instead of HTML. */
class PartsEmitter implements Emitter {
  readonly parts: CodePart[] = [];
  readonly #scopes: (CodeKind | undefined)[] = [];

  addText(text: string): void {
    if (text !== '') this.parts.push({ kind: this.#scopes.at(-1), text });
  }

  startScope(scope: string): void {
    this.#scopes.push(KINDS[scope.split('.')[0] ?? ''] ?? this.#scopes.at(-1));
  }

  endScope(): void {
    this.#scopes.pop();
  }

  /** The library calls these two methods for parts that contain others. */
  openNode(scope: string): void {
    this.startScope(scope);
  }

  closeNode(): void {
    this.endScope();
  }

  /** Code of another language within this one, such as scripts in HTML. */
  __addSublanguage(emitter: Emitter): void {
    if (emitter instanceof PartsEmitter) this.parts.push(...emitter.parts);
  }

  finalize(): void {}

  toHTML(): string {
    return '';
  }
}

hljs.configure({ __emitter: PartsEmitter });

/** Returns the parts of code; undefined if the language is not known. */
export function colorCode(code: string, language: string): ColoredCode | undefined {
  if (hljs.getLanguage(language) === undefined) return undefined;
  const { _emitter: emitter } = hljs.highlight(code, { language, ignoreIllegals: true });
  return emitter instanceof PartsEmitter ? { code, parts: emitter.parts } : undefined;
}
