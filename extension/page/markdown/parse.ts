import type { Token, Tokens, TokensList } from 'marked';
import { tokensOf } from './budget.ts';
import type { FormulaToken } from './formula-syntax.ts';
import { safeLink } from './safe-link.ts';
import { MAX_SEGMENT, SegmentDivider } from './segments.ts';
import type { Block, Inline } from './tree.ts';

/** Deepest nesting that is parsed. Anything deeper is shown unchanged. */
const MAX_DEPTH = 16;

/** Definition of a link (`[1]: https://…`), which other segments may refer to. */
const DEFINITION = /^ {0,3}\[([^\]\n]{1,200})\]:[ \t]*(\S{1,2000})[ \t]*$/gm;

/** Most definitions that are used; the lexer searches all of them at every link. */
const MAX_DEFINITIONS = 100;

/**
 * Parses Markdown into a tree. It never contains HTML: tags are text like any other. Time is linear in the length of
 * the text, whatever it contains: what would take longer is shown unchanged.
 */
export function parseMarkdown(text: string): Block[] {
  return new MarkdownParser().parse(text);
}

/** Parses a text that grows: segments that have not changed since the last time are not parsed again. */
export class MarkdownParser {
  #segments = new Map<string, Block[]>();
  readonly #divider = new SegmentDivider();
  #definitions = '';

  parse(text: string): Block[] {
    const links = definitionsOf(text);
    const definitions = JSON.stringify(links);
    const previous = definitions === this.#definitions ? this.#segments : new Map<string, Block[]>();
    const segments = new Map<string, Block[]>();
    const blocks = this.#divider.divide(text).flatMap((segment) => {
      const parsed = segments.get(segment) ?? previous.get(segment) ?? parseSegment(segment, links);
      segments.set(segment, parsed);
      return parsed;
    });
    this.#segments = segments;
    this.#definitions = definitions;
    return blocks;
  }
}

function definitionsOf(text: string): TokensList['links'] {
  const links: TokensList['links'] = {};
  let count = 0;
  for (const [, label = '', href = ''] of text.matchAll(DEFINITION)) {
    count += 1;
    if (count > MAX_DEFINITIONS) break;
    links[label.toLowerCase().replace(/\s+/g, ' ')] ??= { href, title: null };
  }
  return links;
}

function parseSegment(segment: string, links: TokensList['links']): Block[] {
  const code = segment.length > MAX_SEGMENT ? fencedCode(segment) : undefined;
  if (code !== undefined) return [code];
  if (segment.length > MAX_SEGMENT) return [plain(segment)];
  try {
    return blocksOf(tokensOf(segment, links), 0);
  } catch {
    // Too much work, or nested too deeply for the lexer.
    return [plain(segment)];
  }
}

/** Reads a segment that is one block of fenced code, of any length. */
function fencedCode(segment: string): Block | undefined {
  const [, fence = '', language = ''] = /^(`{3,}|~{3,})([^\n`]*)\n/.exec(segment) ?? [];
  if (fence === '') return undefined;
  const lines = segment.trimEnd().split('\n').slice(1);
  const isEnd = (line: string) => line.startsWith(fence) && line.replaceAll(fence.charAt(0), '').trim() === '';
  const end = lines.findIndex(isEnd);
  // Other text follows the code.
  if (end !== -1 && end < lines.length - 1) return undefined;
  return { kind: 'code', text: lines.slice(0, end === -1 ? undefined : end).join('\n'), language: language.trim() };
}

function plain(text: string): Block {
  return { kind: 'paragraph', inline: [{ kind: 'text', text }] };
}

function blocksOf(tokens: readonly Token[], depth: number): Block[] {
  return tokens.flatMap((token): Block[] => {
    if (depth > MAX_DEPTH) return [plain(token.raw)];
    // The lexer's type allows generic tokens of any kind, so checking `type` does not narrow it.
    const typed = token as Tokens.Generic & { type: string };
    switch (typed.type) {
      case 'space':
      case 'def':
        return [];
      case 'hr':
        return [{ kind: 'rule' }];
      case 'heading':
        return [{ kind: 'heading', level: (typed as Tokens.Heading).depth, inline: inlineOf(typed.tokens, depth) }];
      case 'code':
        return [{ kind: 'code', text: (typed as Tokens.Code).text, language: (typed as Tokens.Code).lang ?? '' }];
      case 'formula':
        return [{ kind: 'formula', tex: (token as unknown as FormulaToken).tex }];
      case 'blockquote':
        return [{ kind: 'quote', blocks: blocksOf(typed.tokens ?? [], depth + 1) }];
      case 'list':
        return [listOf(typed as Tokens.List, depth)];
      case 'table':
        return [tableOf(typed as Tokens.Table, depth)];
      case 'paragraph':
      case 'text':
        return [{ kind: 'paragraph', inline: typed.tokens ? inlineOf(typed.tokens, depth) : [textOf(typed.raw)] }];
      default:
        // HTML, and tokens of a later lexer, are shown as they were written.
        return [plain(typed.raw.replace(/\n+$/, ''))];
    }
  });
}

function listOf(list: Tokens.List, depth: number): Block {
  return {
    kind: 'list',
    start: list.ordered ? Number(list.start) || 1 : undefined,
    items: list.items.map((item) => ({
      checked: item.task ? item.checked === true : undefined,
      blocks: blocksOf(
        item.tokens.filter(({ type }) => type !== 'checkbox'),
        depth + 1,
      ),
    })),
  };
}

function tableOf(table: Tokens.Table, depth: number): Block {
  return {
    kind: 'table',
    head: table.header.map((cell) => inlineOf(cell.tokens, depth)),
    rows: table.rows.map((row) => row.map((cell) => inlineOf(cell.tokens, depth))),
  };
}

function inlineOf(tokens: readonly Token[] | undefined, depth: number): Inline[] {
  return (tokens ?? []).flatMap((token): Inline[] => {
    const typed = token as Tokens.Generic & { type: string };
    if (depth > MAX_DEPTH) return [textOf(typed.raw)];
    const inside = () => inlineOf(typed.tokens, depth + 1);
    switch (typed.type) {
      case 'strong':
        return [{ kind: 'strong', inline: inside() }];
      case 'em':
        return [{ kind: 'emphasis', inline: inside() }];
      case 'del':
        return [{ kind: 'deleted', inline: inside() }];
      case 'codespan':
        return [{ kind: 'code', text: (typed as Tokens.Codespan).text }];
      case 'formula': {
        const { tex, isDisplay } = token as unknown as FormulaToken;
        return [{ kind: 'formula', tex, isDisplay }];
      }
      case 'br':
        return [{ kind: 'break' }];
      case 'escape':
        return [{ kind: 'text', text: (typed as Tokens.Escape).text }];
      case 'link': {
        const href = safeLink((typed as Tokens.Link).href);
        return href === undefined ? [textOf(typed.raw)] : [{ kind: 'link', href, inline: inside() }];
      }
      case 'text':
        return typed.tokens ? inside() : [textOf((typed as Tokens.Text).text)];
      default:
        // Images too: fetching an address that a model wrote would leak what is read here.
        return [textOf(typed.raw)];
    }
  });
}

/** Entities that models write for characters with a meaning in Markdown or HTML. */
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  nbsp: '\u00a0',
};

function textOf(text: string): Inline {
  return {
    kind: 'text',
    text: text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => ENTITIES[name] ?? ''),
  };
}
