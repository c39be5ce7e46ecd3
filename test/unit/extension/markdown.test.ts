import { beforeAll, describe, expect, it } from '@jest/globals';
import { parseHTML } from 'linkedom';
import { colorCode } from '../../../extension/page/markdown/code-colors.ts';
import { renderFormula } from '../../../extension/page/markdown/formula.ts';
import { MarkdownParser, parseMarkdown } from '../../../extension/page/markdown/parse.ts';
import { PART_LENGTH, PartDivider } from '../../../extension/page/markdown/parts.ts';
import { safeLink } from '../../../extension/page/markdown/safe-link.ts';

/** All text of a tree, in order. */
function textOf(tree: unknown): string {
  if (Array.isArray(tree)) return tree.map(textOf).join('');
  if (typeof tree !== 'object' || tree === null) return '';
  if ('text' in tree && typeof tree.text === 'string') return tree.text;
  return Object.values(tree).map(textOf).join('');
}

const text = (said: string) => ({ kind: 'text', text: said });

describe('Markdown', () => {
  it('becomes paragraphs, headings, lists, tables, quotes and code', () => {
    const tree = parseMarkdown(
      '# Title\n\nSome **bold *and slanted***, `code`.\n\n- [x] done\n- open\n\n3. three\n\n> quoted\n\n```js\n<b>\n```\n\n| a |\n|---|\n| 1 |\n\n---',
    );
    expect(tree).toMatchObject([
      { kind: 'heading', level: 1, inline: [text('Title')] },
      {
        kind: 'paragraph',
        inline: [
          text('Some '),
          { kind: 'strong', inline: [text('bold '), { kind: 'emphasis', inline: [text('and slanted')] }] },
          text(', '),
          { kind: 'code', text: 'code' },
          text('.'),
        ],
      },
      { kind: 'list', start: undefined, items: [{ checked: true }, { checked: undefined }] },
      { kind: 'list', start: 3 },
      { kind: 'quote', blocks: [{ kind: 'paragraph' }] },
      { kind: 'code', text: '<b>', language: 'js' },
      { kind: 'table', head: [[text('a')]], rows: [[[text('1')]]] },
      { kind: 'rule' },
    ]);
  });

  it.each([
    '<script>alert(1)</script>',
    'before <img src=x onerror=alert(1)> after',
    '<iframe srcdoc="&lt;script&gt;">',
    '<svg><style><!--</style><img src=x onerror=alert(1)>-->',
    '![a picture](https://example.com/track.png)',
    '[click](javascript:alert(1))',
    '[click](data:text/html,x)',
    '[click](vbscript:x)',
    '[click]( java\nscript:alert(1))',
    '<javascript:alert(1)>',
  ])('is only text for %j', (hostile) => {
    const kinds = JSON.stringify(parseMarkdown(hostile));
    expect(kinds).not.toContain('"link"');
    for (const word of hostile.match(/alert|track|srcdoc/g) ?? []) expect(textOf(JSON.parse(kinds))).toContain(word);
  });

  it('shows deeply nested or very long text unchanged', () => {
    const deep = `${'> '.repeat(5_000)}at the bottom`;
    expect(textOf(parseMarkdown(deep))).toContain('at the bottom');
    const lists = Array.from({ length: 300 }, (_, depth) => `${'  '.repeat(depth)}- item`).join('\n');
    expect(textOf(parseMarkdown(lists))).toContain('item');
    const long = '*a '.repeat(50_000);
    expect(parseMarkdown(long)).toEqual([{ kind: 'paragraph', inline: [text(long)] }]);
    for (const storm of ['[', '**a', '`a', '![](', '<a', '| ', '_a_*', '\\'])
      expect(textOf(parseMarkdown(storm.repeat(2_000)))).not.toBe('');
  });

  it.each(['**a/', '- ', '> ', '_a_*'])(
    'shows what would take quadratic time to parse as it was written: %j',
    (unit) => {
      const hostile = `${unit.repeat(Math.floor(9_000 / unit.length))}x`;
      expect(
        parseMarkdown(`Before.

${hostile}`),
      ).toEqual([
        { kind: 'paragraph', inline: [text('Before.')] },
        { kind: 'paragraph', inline: [text(hostile)] },
      ]);
    },
  );

  it('parses only changed segments, with the same result however the text arrives', () => {
    const whole =
      'One [a][1].\n\n- a\n\n- b\n\n```js\nx\n\ny\n```\nafter\n\n# Two\n\n> q\n\n| a |\n|---|\n| 1 |\n\n[1]: https://example.com/';
    const parser = new MarkdownParser();
    for (let end = 1; end < whole.length; end += 1) parser.parse(whole.slice(0, end));
    expect(parser.parse(whole)).toEqual(parseMarkdown(whole));
    const [before] = parser.parse(`${whole}\n\nThree`);
    expect(parser.parse(`${whole}\n\nThree and four`)[0]).toBe(before);
    expect(parseMarkdown(whole)).toMatchObject([
      { kind: 'paragraph', inline: [text('One '), { kind: 'link', href: 'https://example.com/' }, text('.')] },
      { kind: 'list', items: [{}, {}] },
      { kind: 'code', text: 'x\n\ny', language: 'js' },
      { kind: 'paragraph', inline: [text('after')] },
      { kind: 'heading' },
      { kind: 'quote' },
      { kind: 'table' },
    ]);
  });

  it('is parsed the same at every length of a text that grows, and after another text', () => {
    const whole =
      'One\n\n1. a\n\n2. b\n\n   more\n\n- c\n\n- d\n\n-x\n\n~~~\n\n1. e\n~~~\n\n```js\n\n- f\n\n```\n\n12) g\n\n13) h\n\n    i\n\nj';
    const parser = new MarkdownParser();
    for (let end = 1; end <= whole.length; end += 1) {
      const part = whole.slice(0, end);
      expect([part, parser.parse(part)]).toEqual([part, parseMarkdown(part)]);
    }
    const other = whole.replace('One', 'Two');
    expect(parser.parse(other)).toEqual(parseMarkdown(other));
  });

  it('shows code of any length, closed or not', () => {
    const code = 'let x = "**a";\n\n'.repeat(5_000).trimEnd();
    for (const end of ['', '\n```'])
      expect(parseMarkdown(`\`\`\`js\n${code}${end}`)).toEqual([{ kind: 'code', text: code, language: 'js' }]);
  });

  it('decodes the entities that Markdown requires', () => {
    expect(parseMarkdown('a &lt; b &amp;amp; c')).toEqual([{ kind: 'paragraph', inline: [text('a < b &amp; c')] }]);
  });
});

describe('a link', () => {
  it.each([
    ['https://example.com/a?b=c', 'https://example.com/a?b=c'],
    ['HTTP://EXAMPLE.com', 'http://example.com/'],
    ['https://bank.com@evil.example', undefined],
    ['https://name:word@example.com', undefined],
    ['/options.html', undefined],
    ['chrome-extension://abc/options.html', undefined],
    ['javascript:alert(1)', undefined],
    ['file:///etc/passwd', undefined],
    ['', undefined],
  ])('%j leads to %j', (href, expected) => {
    expect(safeLink(href)).toBe(expected);
  });
});

describe('formulas', () => {
  const formula = (tex: string, isDisplay: boolean) => ({ kind: 'formula', tex, isDisplay });
  const inlineOf = (markdown: string) => {
    const [block] = parseMarkdown(markdown);
    return block?.kind === 'paragraph' ? block.inline : [];
  };

  it.each([
    ['so $x_1*y_1$ is', [text('so '), formula('x_1*y_1', false), text(' is')]],
    ['so \\(a*b*c\\) is', [text('so '), formula('a*b*c', false), text(' is')]],
    ['so $$a$$ is', [text('so '), formula('a', true), text(' is')]],
    ['**bold $x$**', [{ kind: 'strong', inline: [text('bold '), formula('x', false)] }]],
  ])('are found inline: %j', (markdown, expected) => expect(inlineOf(markdown)).toEqual(expected));

  it.each([
    ['It costs $5 and $10.', 'an amount'],
    ['$HOME/bin:$PATH', 'a path'],
    ['`$x$`', 'code'],
    ['an open $x', 'no end'],
    ['$$ $$', 'nothing inside'],
    [`$${'x'.repeat(1_001)}$`, 'too long'],
  ])('are not found in %j: %s', (markdown) => {
    expect(JSON.stringify(parseMarkdown(markdown))).not.toContain('"formula"');
    expect(textOf(parseMarkdown(markdown))).toBe(markdown.replaceAll('`', ''));
  });

  it('are found as blocks, whatever their lines start with', () => {
    const display = (open: string, close: string) => `Thus:\n${open}\n1\n+ 2\n# 3\n${close}\nQ.E.D.`;
    const expected = [
      { kind: 'paragraph' },
      { kind: 'formula', tex: '1\n+ 2\n# 3' },
      { kind: 'paragraph', inline: [text('Q.E.D.')] },
    ];
    for (const markdown of [display('$$', '$$'), display('\\[', '\\]')]) {
      expect(parseMarkdown(markdown)).toMatchObject(expected);
    }
  });

  it('do not split a paragraph if they are unclosed', () => {
    expect(parseMarkdown('one\n$$ two\nthree')).toHaveLength(1);
  });

  describe('as MathML', () => {
    beforeAll(() => {
      const { document } = parseHTML('<!doctype html><html><body></body></html>');
      Object.assign(globalThis, { document });
    });

    it('have the structure of the formula', () => {
      const math = renderFormula('\\frac{1}{x^2}', true);
      expect([math?.localName, math?.querySelector('mfrac > msup')?.textContent]).toEqual(['math', 'x2']);
    });

    it.each([
      ['an error', '\\frac{1}'],
      ['a macro', '\\def\\a{b}\\a'],
      ['a macro that expands without end', '\\newcommand{\\a}{\\a\\a}\\a'],
      ['a link', '\\href{https://example.com}{x}'],
      ['a picture', '\\includegraphics{https://example.com/x.png}'],
      ['a style', '\\style{position:fixed}{x}'],
      ['a class', '\\class{dialog}{x}'],
      ['deep nesting', `${'{'.repeat(60)}x${'}'.repeat(60)}`],
      ['deep nesting of elements', `${'\\sqrt{'.repeat(41)}x${'}'.repeat(41)}`],
      ['too many elements', '"'.repeat(1_000)],
    ])('are not rendered with %s', (_what, tex) => expect(renderFormula(tex, false)).toBeUndefined());

    it('have limited spaces and rules', () => {
      const space = renderFormula('\\rule{1000em}{1000em}', true);
      expect(String(space?.innerHTML)).toMatch(/10em/);
      expect(String(space?.innerHTML)).not.toMatch(/1000em/);
    });
  });
});

describe('code', () => {
  const code = 'const a = "</span><b>"; // note\n';

  it('is divided into parts that add up to the code', () => {
    const colored = colorCode(code, 'ts');
    expect(colored?.parts.map((part) => part.text).join('')).toBe(code);
    expect(colored?.parts.find(({ kind }) => kind === 'string')?.text).toBe('"</span><b>"');
    expect(colored?.parts.find(({ kind }) => kind === 'comment')?.text).toBe('// note');
  });

  it('may contain code of another language', () => {
    const parts = colorCode('<script>const a = 1;</script>', 'html')?.parts ?? [];
    expect(parts.map((part) => part.text).join('')).toBe('<script>const a = 1;</script>');
    expect(parts.find((part) => part.text === 'const')?.kind).toBe('keyword');
  });

  it('is not divided in an unknown language', () => expect(colorCode(code, 'klingon')).toBeUndefined());
});

describe('the parts of an answer', () => {
  it('that have not changed are the same while it grows', () => {
    const [parser, divider] = [new MarkdownParser(), new PartDivider()];
    const text = 'A paragraph.\n\n'.repeat(PART_LENGTH + 2);
    const before = divider.divide(parser.parse(`${text}The en`));
    const after = divider.divide(parser.parse(`${text}The end.`));
    expect(after.map(({ length }) => length)).toEqual([PART_LENGTH, 3]);
    expect(after.map((part, index) => part === before[index])).toEqual([true, false]);
    expect(divider.divide([])).toEqual([]);
  });
});
