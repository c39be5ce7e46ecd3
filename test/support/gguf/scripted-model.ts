import { type MarkovOptions, markovModel } from './markov-model.ts';
import { string } from './write-gguf.ts';

/** The fixed answer of a model, and its chat template. */
export interface ScriptedAnswer {
  /** The tokens of its answer, which must be distinct. */
  readonly pieces: readonly string[];
  /** The control tokens among them. Default: none. */
  readonly control?: readonly string[];
  readonly template: string;
  readonly contextLength?: number;
  /** Further control tokens in the vocabulary. */
  readonly alsoControl?: readonly string[];
}

/** Returns a model that answers every prompt with the same tokens. */
export function scriptedModel({
  pieces,
  control = [],
  template,
  contextLength,
  alsoControl = [],
}: ScriptedAnswer): Buffer {
  if (new Set(pieces).size !== pieces.length)
    throw new RangeError('Expected distinct tokens: each token can have only one successor');
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
