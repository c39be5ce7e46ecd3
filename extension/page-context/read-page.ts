import { Readability } from '@mozilla/readability';
import { toMarkdown } from './markdown-writer.ts';
import { MAX_PAGE_CHARACTERS, MAX_TITLE_CHARACTERS, type PageContent } from './page-content.ts';

/** On a page with more elements, the main content is not searched for; its visible text is used. */
const MAX_ELEMENTS = 50_000;

/** Shorter main content is used only if it is at least half as long as the visible text, characters. */
const MIN_ARTICLE_CHARACTERS = 500;

/**
 * Reads the page that it runs in: its main content as Markdown or, if none is recognized, its visible text. Frames and
 * closed shadow roots are not read. Runs in the isolated world of a content script: the page controls what is read, but
 * not the code that reads it.
 */
export function readPage(page: Document, location: { readonly href: string }): PageContent {
  // biome-ignore lint/performance/useDomNodeTextContent: innerText excludes hidden text.
  const visible = (page.body?.innerText ?? '').trim();
  const { text, percent } = readArticle(page, visible.length) ?? plainText(visible);
  return {
    title: (page.querySelector('title')?.textContent ?? '').replace(/\s+/g, ' ').trim().slice(0, MAX_TITLE_CHARACTERS),
    url: location.href,
    text,
    selection: (page.getSelection()?.toString() ?? '').slice(0, MAX_PAGE_CHARACTERS).trim(),
    percent,
  };
}

/** The text of a page, and its share of the whole text in percent: 100 only if nothing was cut. */
type PageText = Pick<PageContent, 'text' | 'percent'>;

function plainText(visible: string): PageText {
  const read = visible.slice(0, MAX_PAGE_CHARACTERS).toWellFormed();
  return {
    text: read.replace(/[ \t]+\n/g, '\n').replace(/\n{3,}/g, '\n\n'),
    percent: read.length === visible.length ? 100 : percentOf(read.length, visible.length),
  };
}

/** Returns the share of a cut text that was read, from 1 to 99 percent. */
function percentOf(read: number, all: number): number {
  return Math.max(1, Math.min(99, Math.floor((read / all) * 100)));
}

/**
 * Returns the main content as Markdown. Undefined if none is found, if it is only a small part of the visible text, or if
 * the page is too large or too deeply nested to search.
 */
function readArticle(page: Document, visibleLength: number): PageText | undefined {
  if (page.getElementsByTagName('*').length > MAX_ELEMENTS) return undefined;
  try {
    // Readability changes the document, so it gets a copy. With this serializer it returns elements and no HTML. Classes
    // are kept because they name the language of code.
    const copy = page.cloneNode(true) as Document;
    const content = new Readability<Node>(copy, { serializer: (element) => element, keepClasses: true }).parse()
      ?.content;
    if (!content) return undefined;
    const { text, isCut } = toMarkdown(content, MAX_PAGE_CHARACTERS);
    const isMain = text.length >= MIN_ARTICLE_CHARACTERS || text.length * 2 >= visibleLength;
    if (!isMain) return undefined;
    return { text, percent: isCut ? percentOf(text.length, content.textContent?.length ?? 0) : 100 };
  } catch {
    // Elements nested thousands deep exhaust the stack, and named elements can hide methods of the document.
    return undefined;
  }
}
