import { type MarkovOptions, markovModel } from './markov-model.ts';
import { string } from './write-gguf.ts';

/** The fixed answer of a model, and its template. */
export interface Speech {
  /** Tokens of its answer, no two of them equal. */
  readonly pieces: readonly string[];
  /** Which of them are control tokens; the others are text. */
  readonly control?: readonly string[];
  readonly template: string;
  readonly contextLength?: number;
  /** Further tokens of the vocabulary. */
  readonly alsoControl?: readonly string[];
}

/** Makes a model that answers every prompt with the same text, token for token, and then ends. */
export function speakingModel({ pieces, control = [], template, contextLength, alsoControl = [] }: Speech): Buffer {
  if (new Set(pieces).size !== pieces.length) throw new RangeError('Each token can have only one successor');
  const chain = Object.fromEntries(pieces.map((piece, index) => [piece, { [pieces[index + 1] ?? '']: 1 }]));
  const kind = (piece: string) => (control.includes(piece) ? 'control' : 'user-defined') as 'control' | 'user-defined';
  const options: MarkovOptions = {
    chain,
    special: Object.fromEntries([
      ...pieces.map((piece) => [piece, kind(piece)] as const),
      ...alsoControl.map((piece) => [piece, 'control'] as const),
    ]),
    metadata: { 'tokenizer.chat_template': string(template) },
    ...(pieces[0] === undefined ? {} : { otherwise: pieces[0] }),
    ...(contextLength === undefined ? {} : { contextLength }),
  };
  return markovModel(options);
}
