/** Scripts without spaces between words: a word index would treat a sentence as one word. */
const WITHOUT_SPACES =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** Maximum number of words of a query. */
const MAX_WORDS = 32;

/**
 * Converts what a user typed to a query of SQLite's full-text search: all words in any order, the last one as a prefix.
 * Nothing is interpreted as an operator. Undefined if the text has no words that the index could find; then search for
 * the text itself.
 */
export function ftsQuery(text: string): string | undefined {
  if (WITHOUT_SPACES.test(text)) return undefined;
  const words = text.match(/[\p{L}\p{N}]+/gu)?.slice(0, MAX_WORDS) ?? [];
  if (words.length === 0) return undefined;
  return words.map((word, i) => `"${word}"${i === words.length - 1 ? '*' : ''}`).join(' ');
}
