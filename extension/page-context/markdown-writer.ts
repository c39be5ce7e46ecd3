import { codeBlock } from './code-block.ts';

/** The Markdown of elements, and whether it was cut at the limit. */
export interface WrittenMarkdown {
  readonly text: string;
  readonly isCut: boolean;
}

/** Elements whose content is not part of the page's text. */
const SKIPPED = new Set(
  'AUDIO BUTTON CANVAS DIALOG EMBED HEAD IFRAME INPUT NAV NOSCRIPT OBJECT OPTION SCRIPT SELECT STYLE SVG TEMPLATE TEXTAREA VIDEO'.split(
    ' ',
  ),
);

/** Elements that start and end a line. */
const BLOCKS = new Set(
  'ADDRESS ARTICLE ASIDE BLOCKQUOTE BODY CAPTION DD DETAILS DIV DL DT FIGCAPTION FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 HEADER HR LI MAIN OL P PRE SECTION SUMMARY TABLE TR UL'.split(
    ' ',
  ),
);

/** Deeper elements are written as plain text. HTML parsers stop nesting at 512; scripts do not. */
const MAX_DEPTH = 256;

/** Maximum length of a code block's language, characters. */
const MAX_LANGUAGE = 20;

/**
 * Writes elements as Markdown: headings, paragraphs, nested lists, quotes, tables, code with its language, alternative
 * texts of images. Links and emphasis are written as plain text, because their markup costs tokens and adds little.
 */
class MarkdownWriter {
  readonly #limit: number;
  readonly #blocks: { text: string; isItem: boolean }[] = [];
  #length = 0;
  #line = '';
  /** Prefix of the next line, and of the lines after it. */
  #marker = '';
  #indent = '';

  constructor(limit: number) {
    this.#limit = limit;
  }

  get #isFull(): boolean {
    return this.#length >= this.#limit;
  }

  result(): WrittenMarkdown {
    this.#endLine();
    let text = '';
    let wasItem = false;
    for (const block of this.#blocks) {
      text += text === '' ? block.text : (wasItem && block.isItem ? '\n' : '\n\n') + block.text;
      wasItem = block.isItem;
    }
    return { text: text.slice(0, this.#limit).toWellFormed(), isCut: this.#isFull };
  }

  write(node: Node, depth = 0): void {
    if (this.#isFull) return;
    if (node.nodeType === node.TEXT_NODE) this.#add(node.nodeValue ?? '');
    else if (node.nodeType === node.ELEMENT_NODE) this.#element(node as Element, depth);
    else if (node.nodeType === node.DOCUMENT_FRAGMENT_NODE) this.#children(node, depth);
  }

  #element(element: Element, depth: number): void {
    const name = element.tagName.toUpperCase();
    if (SKIPPED.has(name) || element.hasAttribute('hidden')) return;
    if (depth > MAX_DEPTH) this.#add(element.textContent ?? '');
    else if (name === 'BR') this.#line += '\n';
    else if (name === 'IMG') this.#image(element);
    else if (name === 'CODE') this.#code(element);
    else if (name === 'PRE') this.#codeBlock(element);
    else if (name === 'MATH') this.#add(element.getAttribute('alttext') ?? element.textContent ?? '');
    else if (name === 'TABLE' && isDataTable(element)) this.#table(element);
    else if (name === 'LI') this.#item(element, depth);
    else if (name === 'BLOCKQUOTE') this.#writeIndented('> ', '> ', element, depth);
    else if (/^H[1-6]$/.test(name)) this.#writeIndented(`${'#'.repeat(Number(name[1]))} `, '', element, depth);
    else if (BLOCKS.has(name)) {
      this.#endLine();
      this.#children(element, depth);
      this.#endLine();
    } else this.#children(element, depth);
  }

  #children(parent: Node, depth: number): void {
    for (let child = parent.firstChild; child !== null && !this.#isFull; child = child.nextSibling) {
      this.write(child, depth + 1);
    }
  }

  #add(text: string): void {
    // Characters beyond the limit are not processed.
    const words = text.slice(0, this.#limit).replace(/\s+/g, ' ');
    this.#line += /\s$/.test(this.#line) || this.#line === '' ? words.trimStart() : words;
    if (this.#line.length > this.#limit) this.#endLine();
  }

  #image(element: Element): void {
    const text = element.getAttribute('alt')?.trim();
    if (text) this.#add(`[Image: ${text}]`);
  }

  #code(element: Element): void {
    const text = (element.textContent ?? '').trim();
    if (text !== '')
      this.#line += text.includes('`') ? text.slice(0, this.#limit) : `\`${text.slice(0, this.#limit)}\``;
  }

  #codeBlock(element: Element): void {
    this.#endLine();
    const text = (element.textContent ?? '').slice(0, this.#limit).replace(/^\n+|\s+$/g, '');
    if (text === '') return;
    const classes = `${element.getAttribute('class') ?? ''} ${element.querySelector('code')?.getAttribute('class') ?? ''}`;
    const language = /(?:^|\s)(?:lang|language)-([\w+#-]+)/.exec(classes)?.[1]?.slice(0, MAX_LANGUAGE) ?? '';
    this.#addBlock(codeBlock(text, language));
  }

  #item(element: Element, depth: number): void {
    const list = element.parentElement;
    const isNumbered = list?.tagName.toUpperCase() === 'OL';
    const number = isNumbered ? Number(list.getAttribute('start') ?? 1) + indexOf(element) : 0;
    const marker = isNumbered ? `${Number.isFinite(number) ? number : indexOf(element) + 1}. ` : '- ';
    this.#writeIndented(marker, ' '.repeat(marker.length), element, depth);
  }

  /** Writes an element whose first line begins with a marker, and the others with an indentation. */
  #writeIndented(marker: string, indent: string, element: Element, depth: number): void {
    this.#endLine();
    const before = this.#indent;
    this.#marker = before + marker;
    this.#indent = before + indent;
    this.#children(element, depth);
    this.#endLine();
    this.#indent = before;
    this.#marker = before;
  }

  #table(element: Element): void {
    this.#endLine();
    const rows: string[] = [];
    let length = 0;
    for (const row of element.querySelectorAll('tr')) {
      const cells = [...row.children].map((cell) =>
        (cell.textContent ?? '').slice(0, this.#limit).replace(/\s+/g, ' ').trim().replaceAll('|', '\\|'),
      );
      rows.push(`| ${cells.join(' | ')} |`);
      if (rows.length === 1) rows.push(`|${' --- |'.repeat(cells.length)}`);
      length += rows.at(-1)?.length ?? 0;
      if (this.#length + length > this.#limit) break;
    }
    this.#addBlock(rows.join('\n'));
  }

  #endLine(): void {
    const text = this.#line.trim();
    this.#line = '';
    if (text !== '') this.#addBlock(text);
  }

  #addBlock(text: string): void {
    const [first = '', ...rest] = text.split('\n');
    const indented = [this.#marker + first, ...rest.map((line) => this.#indent + line)].join('\n');
    const isItem = /^\s*(?:-|\d+\.) /.test(this.#marker);
    this.#blocks.push({ text: indented, isItem });
    this.#length += indented.length + 1;
    this.#marker = this.#indent;
  }
}

/** Returns whether a table contains data. Layout tables contain paragraphs, lists and other tables. */
function isDataTable(table: Element): boolean {
  if (table.querySelector('table, ul, ol, p + p, h1, h2, h3, pre, article, section') !== null) return false;
  const row = table.querySelector('tr');
  return row !== null && row.children.length > 1;
}

function indexOf(item: Element): number {
  let index = 0;
  for (let before = item.previousElementSibling; before !== null; before = before.previousElementSibling) {
    if (before.tagName === item.tagName) index++;
  }
  return index;
}

/** Returns an element or a fragment as Markdown of at most `limit` characters. */
export function toMarkdown(root: Node, limit: number): WrittenMarkdown {
  const writer = new MarkdownWriter(limit);
  writer.write(root);
  return writer.result();
}
