/** Maximum number of characters read from a page: about 100,000 tokens, more than the context of most models. */
export const MAX_PAGE_CHARACTERS = 400_000;

/** Maximum length of a page's title and of its address, characters. */
export const MAX_TITLE_CHARACTERS = 300;
const MAX_URL_CHARACTERS = 2_000;

/** What was read from a page. */
export interface PageContent {
  readonly title: string;
  readonly url: string;
  /** The main content as Markdown, or the visible text. */
  readonly text: string;
  /** The selected text; empty if nothing is selected. */
  readonly selection: string;
  /** How much of the page's text was read, percent. */
  readonly percent: number;
}

/** Validates what a content script returned. Returns undefined for anything but the content of a page. */
export function parsePageContent(value: unknown): PageContent | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { title, url, text, selection, percent } = value as Partial<Record<keyof PageContent, unknown>>;
  if (typeof title !== 'string' || typeof url !== 'string' || typeof text !== 'string') return undefined;
  if (typeof selection !== 'string' || typeof percent !== 'number') return undefined;
  return {
    title: title.slice(0, MAX_TITLE_CHARACTERS),
    url: url.slice(0, MAX_URL_CHARACTERS),
    text: text.slice(0, MAX_PAGE_CHARACTERS),
    selection: selection.slice(0, MAX_PAGE_CHARACTERS),
    percent: Math.min(100, Math.max(1, Math.round(percent) || 1)),
  };
}
