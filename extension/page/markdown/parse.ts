import { Lexer, type Token, type Tokens } from 'marked';
import { safeLink } from './safe-link.ts';
import type { Block, Inline } from './tree.ts';

/**
 * Longer texts are shown as they are, characters. The lexer takes time in the square of some texts' length (unclosed
 * `**`, one-line lists): of this many, at worst half a second.
 */
const MAX_LENGTH = 40_000;

/** Deepest nesting that is drawn as such; what lies deeper is shown as it was written. */
const MAX_DEPTH = 16;

/** Makes a tree of Markdown. Whatever the text, no HTML comes of it: tags are text like any other. */
export function parseMarkdown(text: string): Block[] {
  if (text.length > MAX_LENGTH) return [plain(text)];
  try {
    return blocksOf(new Lexer({ gfm: true, breaks: true }).lex(text), 0);
  } catch {
    // Nested more deeply than the lexer can follow: nobody writes so who wants it drawn.
    return [plain(text)];
  }
}

function plain(text: string): Block {
  return { kind: 'paragraph', inline: [{ kind: 'text', text }] };
}

function blocksOf(tokens: readonly Token[], depth: number): Block[] {
  return tokens.flatMap((token): Block[] => {
    if (depth > MAX_DEPTH) return [plain(token.raw)];
    // The lexer's own type lets any token be a generic one, so a kind does not narrow it by itself.
    const known = token as Tokens.Generic & { type: string };
    switch (known.type) {
      case 'space':
      case 'def':
        return [];
      case 'hr':
        return [{ kind: 'rule' }];
      case 'heading':
        return [{ kind: 'heading', level: (known as Tokens.Heading).depth, inline: inlineOf(known.tokens, depth) }];
      case 'code':
        return [{ kind: 'code', text: (known as Tokens.Code).text, language: (known as Tokens.Code).lang ?? '' }];
      case 'blockquote':
        return [{ kind: 'quote', blocks: blocksOf(known.tokens ?? [], depth + 1) }];
      case 'list':
        return [listOf(known as Tokens.List, depth)];
      case 'table':
        return [tableOf(known as Tokens.Table, depth)];
      case 'paragraph':
      case 'text':
        return [{ kind: 'paragraph', inline: known.tokens ? inlineOf(known.tokens, depth) : [textOf(known.raw)] }];
      default:
        // HTML, and whatever else a later lexer may know: shown as it was written.
        return [plain(known.raw.replace(/\n+$/, ''))];
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
    const known = token as Tokens.Generic & { type: string };
    if (depth > MAX_DEPTH) return [textOf(known.raw)];
    const inside = () => inlineOf(known.tokens, depth + 1);
    switch (known.type) {
      case 'strong':
        return [{ kind: 'strong', inline: inside() }];
      case 'em':
        return [{ kind: 'emphasis', inline: inside() }];
      case 'del':
        return [{ kind: 'deleted', inline: inside() }];
      case 'codespan':
        return [{ kind: 'code', text: (known as Tokens.Codespan).text }];
      case 'br':
        return [{ kind: 'break' }];
      case 'escape':
        return [{ kind: 'text', text: (known as Tokens.Escape).text }];
      case 'link': {
        const href = safeLink((known as Tokens.Link).href);
        return href === undefined ? [textOf(known.raw)] : [{ kind: 'link', href, inline: inside() }];
      }
      case 'text':
        return known.tokens ? inside() : [textOf((known as Tokens.Text).text)];
      default:
        // Pictures too: a page that fetches what a model names would tell others what is read here.
        return [textOf(known.raw)];
    }
  });
}

/** The characters that Markdown's own texts have to write as entities. */
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
