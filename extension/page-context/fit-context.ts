import type { PageContext } from './context-message.ts';

/** What the host provides to fit contexts to a model. */
export interface ContextModel {
  /** Returns the number of tokens of the texts, and the context length of the model; undefined if it is not known. */
  count(texts: readonly string[]): Promise<{ readonly tokens: number; readonly contextSize: number } | undefined>;
  /** Embeds texts with a model on this computer; undefined if none is loaded, or it fails. */
  embed(texts: readonly string[]): Promise<readonly (readonly number[])[] | undefined>;
}

/** Share of the context length that the contexts of a message may fill. The rest is for the conversation. */
const CONTEXT_SHARE = 0.6;

/** Assumed context length where it is unknown, as for remote engines, tokens. */
const DEFAULT_CONTEXT = 8_192;

/** Assumed characters per token where tokens cannot be counted; English text has about four. */
const CHARACTERS_PER_TOKEN = 3.5;

/** Target length of a passage, characters: a few sentences, which fit the context of most embedding models. */
const PASSAGE_CHARACTERS = 900;

/** Maximum number of passages that are embedded; of a longer page, the first ones are. */
const MAX_EMBEDDED = 400;

/** Marks where text between two passages is left out. */
const GAP = '[…]';

/** The size of contexts and the maximum that is sent, in tokens. */
export interface ContextSize {
  readonly tokens: number;
  readonly budget: number;
}

/** Measures contexts for the model that will read them. */
export async function measureContexts(model: ContextModel, texts: readonly string[]): Promise<ContextSize> {
  const counted = await model.count(texts);
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  return {
    tokens: counted?.tokens ?? Math.ceil(characters / CHARACTERS_PER_TOKEN),
    budget: Math.floor((counted?.contextSize ?? DEFAULT_CONTEXT) * CONTEXT_SHARE),
  };
}

/**
 * Returns contexts that fit the model: unchanged if they fit, otherwise the passages that are nearest to the question, or
 * the beginning of each if no embedding model is loaded.
 */
export async function fitContexts(
  model: ContextModel,
  question: string,
  contexts: readonly PageContext[],
): Promise<PageContext[]> {
  const { tokens, budget } = await measureContexts(
    model,
    contexts.map(({ text }) => text),
  );
  if (tokens <= budget) return [...contexts];
  const share = budget / tokens;
  return Promise.all(contexts.map((context) => shorten(model, question, context, share)));
}

async function shorten(
  model: ContextModel,
  question: string,
  context: PageContext,
  share: number,
): Promise<PageContext> {
  const passages = splitPassages(context.text);
  const limit = Math.floor(context.text.length * share);
  const ranked = await rank(model, question, passages);
  const choice = ranked === undefined ? 'beginning' : 'relevant';
  const chosen = new Set<number>();
  let length = 0;
  for (const index of ranked ?? passages.keys()) {
    const size = (passages[index]?.length ?? 0) + GAP.length + 4;
    if (length + size > limit) {
      // A beginning has no gaps; among the relevant passages a shorter one may still fit.
      if (choice === 'beginning') break;
      continue;
    }
    chosen.add(index);
    length += size;
  }
  const text = chosen.size === 0 ? context.text.slice(0, limit).toWellFormed() : joinPassages(passages, chosen);
  const whole = context.part?.percent ?? 100;
  const percent = Math.min(99, Math.max(1, Math.round((text.length / context.text.length) * whole)));
  return { ...context, text, part: { percent, choice } };
}

/** Returns the indices of the passages, the one nearest to the question first. */
async function rank(model: ContextModel, question: string, passages: readonly string[]): Promise<number[] | undefined> {
  if (question.trim() === '') return undefined;
  const vectors = await model.embed([question, ...passages.slice(0, MAX_EMBEDDED)]);
  const [asked, ...embedded] = vectors ?? [];
  if (asked === undefined) return undefined;
  const scores = embedded.map((vector) => vector.reduce((sum, value, at) => sum + value * (asked[at] ?? 0), 0));
  return [...scores.keys()].sort((one, other) => (scores[other] ?? 0) - (scores[one] ?? 0) || one - other);
}

/** Splits text at blank lines, and long paragraphs at the ends of sentences or, without any, anywhere. */
export function splitPassages(text: string): string[] {
  const passages: string[] = [];
  let current = '';
  const add = (piece: string, separator: string) => {
    if (current !== '' && current.length + piece.length > PASSAGE_CHARACTERS) {
      passages.push(current);
      current = '';
    }
    current = current === '' ? piece : current + separator + piece;
  };
  for (const paragraph of text.split(/\n{2,}/)) {
    if (paragraph.trim() === '') continue;
    if (paragraph.length <= PASSAGE_CHARACTERS) add(paragraph, '\n\n');
    else {
      for (const sentence of splitSentences(paragraph)) {
        for (let at = 0; at < sentence.length; at += PASSAGE_CHARACTERS) {
          add(sentence.slice(at, at + PASSAGE_CHARACTERS), '');
        }
      }
    }
  }
  if (current !== '') passages.push(current);
  return passages;
}

/** Splits text after each sentence and each line. The parts add up to the text. */
export function splitSentences(text: string): string[] {
  return text.match(/[^.!?。！？\n]*(?:[.!?。！？]+["'”’)\]]*\s*|\n\s*|$)/g)?.filter((part) => part !== '') ?? [];
}

function joinPassages(passages: readonly string[], chosen: ReadonlySet<number>): string {
  const parts: string[] = [];
  passages.forEach((passage, index) => {
    if (chosen.has(index)) parts.push(passage);
    else if (parts.at(-1) !== GAP) parts.push(GAP);
  });
  return parts.join('\n\n');
}
