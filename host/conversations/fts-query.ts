/** Scripts that are written without spaces between words: a word index would take a sentence for one word. */
const WITHOUT_SPACES =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** Words looked for at once; more narrow nothing down. */
const MAX_WORDS = 32;

/**
 * Makes a query of SQLite's full-text search from what a person typed: all words, in any order, the last one perhaps
 * not typed to its end. Nothing in it is read as an operator. Undefined where the text has no words an index could
 * find: then it is looked for as it stands.
 */
export function ftsQuery(text: string): string | undefined {
  if (WITHOUT_SPACES.test(text)) return undefined;
  const words = text.match(/[\p{L}\p{N}]+/gu)?.slice(0, MAX_WORDS) ?? [];
  if (words.length === 0) return undefined;
  return words.map((word, i) => `"${word}"${i === words.length - 1 ? '*' : ''}`).join(' ');
}
