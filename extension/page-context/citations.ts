import type { PageContext } from './context-message.ts';
import { splitSentences } from './fit-context.ts';

/** Maximum number of sentences of the pages, and of an answer, that are compared. */
const MAX_PASSAGES = 20_000;
const MAX_SENTENCES = 400;

/** Maximum number of links in one answer. */
const MAX_CITATIONS = 40;

/** A sentence with fewer words is not specific enough to be matched. */
const MIN_WORDS = 4;

/** Share of a sentence's words, weighted by their rarity in the pages, that a passage must contain to match. */
const MIN_OVERLAP = 0.5;

/** A word in more than this share of the passages does not distinguish them, unless there are few. */
const COMMON_SHARE = 0.25;
const FEW_PASSAGES = 40;

/** A longer passage is linked by its first and its last words. */
const LINKED_WORDS = 6;

interface Passage {
  readonly text: string;
  readonly url: string;
}

/**
 * Adds links to an answer: after each sentence that repeats a passage of a page, a link to that passage, as a text
 * fragment (WICG, URL Fragment Text Directives). Passages are matched by shared words: a link shows where to look, and
 * proves nothing.
 */
export function cite(answer: string, contexts: readonly PageContext[]): string {
  const index = indexes.get(contexts) ?? new PassageIndex(contexts);
  indexes.set(contexts, index);
  if (index.isEmpty) return answer;
  const numbers = new Map<string, number>();
  let compared = 0;
  let isCode = false;
  const lines = answer.split('\n').map((line) => {
    if (/^\s*(?:```|~~~)/.test(line)) isCode = !isCode;
    if (isCode || /^\s*(?:#|\||```|~~~)/.test(line)) return line;
    return splitSentences(line)
      .map((sentence) => {
        if (compared++ >= MAX_SENTENCES || numbers.size >= MAX_CITATIONS) return sentence;
        const url = index.find(sentence);
        if (url === undefined) return sentence;
        if (!numbers.has(url)) numbers.set(url, numbers.size + 1);
        const end = sentence.trimEnd();
        return `${end} [[${numbers.get(url)}]](${url})${sentence.slice(end.length)}`;
      })
      .join('');
  });
  return lines.join('\n');
}

/** An index of the sentences of pages by their words. */
class PassageIndex {
  readonly #passages: Passage[] = [];
  readonly #byWord = new Map<string, number[]>();

  constructor(contexts: readonly PageContext[]) {
    for (const { text, url } of contexts) {
      for (const line of text.split('\n')) {
        for (const sentence of splitSentences(plain(line))) this.#add({ text: sentence.trim(), url });
      }
    }
  }

  get isEmpty(): boolean {
    return this.#passages.length === 0;
  }

  /** Returns the address of the passage that a sentence repeats. */
  find(sentence: string): string | undefined {
    const words = wordsOf(plain(sentence));
    if (words.size < MIN_WORDS) return undefined;
    const scores = new Map<number, number>();
    let whole = 0;
    for (const word of words) {
      const found = this.#byWord.get(word) ?? [];
      const weight = Math.log(1 + this.#passages.length / (1 + found.length));
      whole += weight;
      if (this.#passages.length > FEW_PASSAGES && found.length > this.#passages.length * COMMON_SHARE) continue;
      for (const index of found) scores.set(index, (scores.get(index) ?? 0) + weight);
    }
    let best: number | undefined;
    for (const [index, score] of scores) if (score > (scores.get(best ?? -1) ?? 0)) best = index;
    if (best === undefined || (scores.get(best) ?? 0) < whole * MIN_OVERLAP) return undefined;
    const passage = this.#passages[best];
    return passage === undefined ? undefined : fragmentUrl(passage);
  }

  #add(passage: Passage): void {
    const words = wordsOf(passage.text);
    if (words.size < MIN_WORDS || this.#passages.length >= MAX_PASSAGES) return;
    const index = this.#passages.push(passage) - 1;
    for (const word of words) {
      const list = this.#byWord.get(word);
      if (list === undefined) this.#byWord.set(word, [index]);
      else list.push(index);
    }
  }
}

/** Indexes are kept because the same pages are searched for every answer of a conversation. */
const indexes = new WeakMap<readonly PageContext[], PassageIndex>();

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]{3,}|\p{Script=Han}/gu) ?? []);
}

/** Returns a line without its Markdown markup, so that it matches the text of the page. */
function plain(line: string): string {
  return line
    .replace(/^\s*(?:#{1,6}|>|-|\d+\.)\s+/, '')
    .replace(/\[Image: [^\]]*\]/g, '')
    .replace(/[`*|]/g, ' ')
    .replace(/\s+/g, ' ');
}

function fragmentUrl({ text, url }: Passage): string | undefined {
  const page = URL.parse(url);
  if (page === null || (page.protocol !== 'https:' && page.protocol !== 'http:')) return undefined;
  page.hash = '';
  const words = text.split(' ').filter((word) => word !== '');
  const parts =
    words.length <= LINKED_WORDS * 2
      ? [words.join(' ')]
      : [words.slice(0, LINKED_WORDS).join(' '), words.slice(-LINKED_WORDS).join(' ')];
  return `${page.href}#:~:text=${parts.map(encodeFragment).join(',')}`;
}

/** Encodes a part of a text directive; `-`, `,` and `&` have a meaning there, parentheses in Markdown. */
function encodeFragment(text: string): string {
  return encodeURIComponent(text).replace(
    /[-!'()*_~]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
