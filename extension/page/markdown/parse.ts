import { Lexer, type Token, type Tokens } from 'marked';
import { safeLink } from './safe-link.ts';
import type { Block, Inline } from './tree.ts';

/**
 * Longer texts are shown as plain text, characters. The lexer takes quadratic time for some texts (unclosed `**`, one-line
 * lists): for this many characters half a second at worst.
 */
const MAX_LENGTH = 40_000;

/** Deepest nesting that is parsed. Anything deeper is shown as it was written. */
const MAX_DEPTH = 16;

/** Parses Markdown into a tree. It never contains HTML: tags are text like any other. */
export function parseMarkdown(text: string): Block[] {
  if (text.length > MAX_LENGTH) return [plain(text)];
  try {
    return blocksOf(new Lexer({ gfm: true, breaks: true }).lex(text), 0);
  } catch {
    // The lexer cannot follow nesting this deep.
    return [plain(text)];
  }
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
