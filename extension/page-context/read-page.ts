import { Readability } from '@mozilla/readability';
import { toMarkdown, type WrittenMarkdown } from './markdown-writer.ts';
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
  // biome-ignore lint/performance/useDomNodeTextContent: only what is rendered is wanted.
  const visible = (page.body?.innerText ?? '').slice(0, MAX_PAGE_CHARACTERS).trim();
  const article = readArticle(page);
  const isArticle =
    article !== undefined &&
    (article.text.length >= MIN_ARTICLE_CHARACTERS || article.text.length * 2 >= visible.length);
  const text = isArticle ? article.text : visible.replace(/[ \t]+\n/g, '\n').replace(/\n{3,}/g, '\n\n');
  return {
    title: (page.querySelector('title')?.textContent ?? '').replace(/\s+/g, ' ').trim().slice(0, MAX_TITLE_CHARACTERS),
    url: location.href,
    text,
    selection: (page.getSelection()?.toString() ?? '').slice(0, MAX_PAGE_CHARACTERS).trim(),
    isCut: isArticle ? article.isCut : visible.length >= MAX_PAGE_CHARACTERS,
  };
}

/** Returns the main content; undefined if there is none, or the page is built so that it cannot be searched. */
function readArticle(page: Document): WrittenMarkdown | undefined {
  if (page.getElementsByTagName('*').length > MAX_ELEMENTS) return undefined;
  try {
    // Readability changes the document, so it gets a copy. With this serializer it returns elements and no HTML. Classes
    // are kept because they name the language of code.
    const copy = page.cloneNode(true) as Document;
    const content = new Readability<Node>(copy, { serializer: (element) => element, keepClasses: true }).parse()
      ?.content;
    return content ? toMarkdown(content, MAX_PAGE_CHARACTERS) : undefined;
  } catch {
    // Elements nested thousands deep exhaust the stack; names of elements can hide methods of the document.
    return undefined;
  }
}
