import { describe, expect, it } from '@jest/globals';
import { MarkdownWriter } from '../../../host/cli/chat/markdown.ts';

/** The styles that a terminal would show, as tags. */
const TAGS: Readonly<Record<string, string>> = {
  1: '<b>',
  2: '<dim>',
  3: '<i>',
  22: '</>',
  23: '</i>',
  36: '<code>',
  39: '</code>',
};

function withTags(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/\u001b\[(\d+)m/g, (_all, code) => TAGS[code] ?? '?');
}

function rendered(pieces: Iterable<string>): string {
  let shown = '';
  const writer = new MarkdownWriter((text) => {
    shown += text;
  });
  for (const piece of pieces) writer.write(piece);
  writer.end();
  return withTags(shown);
}

/** Removes the styles that are closed and opened again between two pieces. */
function joined(text: string): string {
  return text.replace(/<\/code><code>|<\/><(b|dim)>/g, '');
}

describe('Markdown on a terminal', () => {
  it.each([
    ['plain text', 'plain text'],
    ['# Title\ntext', '<b>Title</>\ntext'],
    ['#hashtag', '#hashtag'],
    ['a **bold** word', 'a <b>bold</> word'],
    ['an *italic* word', 'an <i>italic</i> word'],
    ['***both***', '<i><b>both</></i>'],
    ['use `x * y * z` here', 'use <code>x * y * z</code> here'],
    ['``a ` b``', '<code>a ` b</code>'],
    ['**run `x` now**', '<b>run <code>x</code> now</>'],
    ['## The **big** one', '<b>The big one</>'],
    ['- one\n* two\n  + three', '• one\n• two\n  • three'],
    ['> said', '<dim>│ </>said'],
    [
      '```js\na * b * c\n# no title\n```\ndone',
      '<dim>```js</>\n<code>a * b * c</code>\n<code># no title</code>\n<dim>```</>\ndone',
    ],
    ['````\n```\n````\n**b**', '<dim>````</>\n<code>```</code>\n<dim>````</>\n<b>b</>'],
    ['2 * 3 * 4 = 24', '2 * 3 * 4 = 24'],
    ['2*3*4', '2*3*4'],
    ['__init__ and snake_case', '__init__ and snake_case'],
    ['**never closed\nnext', '**never closed\nnext'],
    ['a `tick\nnext', 'a `tick\nnext'],
    ['a lone * and **', 'a lone * and **'],
    ['\\*literal\\* C:\\dir', '*literal* C:\\dir'],
    ['---\ntext', '---\ntext'],
    ['1. first', '1. first'],
    ['```\nnever closed', '<dim>```</>\n<code>never closed</code>'],
    ['#', '#'],
    ['-', '-'],
    ['**', '**'],
    ['', ''],
    ['\n\n', '\n\n'],
  ])('renders %j, at once and character by character', (text, expected) => {
    expect(rendered([text])).toBe(expected);
    expect(joined(rendered(text))).toBe(expected);
  });

  it('prints text as soon as its rendering is certain', () => {
    let shown = '';
    const writer = new MarkdownWriter((text) => {
      shown += text;
    });
    writer.write('A plain ');
    expect(shown).toBe('A plain ');
    writer.write('**bo');
    expect(shown).toBe('A plain ');
    writer.write('ld** ');
    expect(withTags(shown)).toBe('A plain <b>bold</> ');
  });

  it('prints an unclosed marker as text after 300 characters', () => {
    let shown = '';
    const writer = new MarkdownWriter((text) => {
      shown += text;
    });
    writer.write(`**${'x'.repeat(400)}`);
    expect(shown).toBe(`**${'x'.repeat(400)}`);
  });
});
