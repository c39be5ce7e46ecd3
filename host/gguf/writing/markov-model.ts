import {
  BEGIN_TOKEN,
  END_TOKEN,
  type LlamaShape,
  llamaMetadata,
  llamaTensors,
  sentencePiece,
  vocabulary,
} from './llama-parts.ts';
import { type GgufSpec, type TensorSpec, tensorSize, type Value, writeGguf } from './write-gguf.ts';

/**
 * What may follow each word, or a line break, with what probability. The empty string is the end of the text; see
 * {@link START}.
 */
export type Chain = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The word before the first one of a text. */
export const START = '<start>';

/** A chain of a few words. Each word has one likeliest successor, so greedy output is {@link STORY_GREEDY}. */
export const STORY: Chain = {
  [START]: { once: 1 },
  once: { upon: 0.9, there: 0.1 },
  upon: { one: 0.75, time: 0.25 },
  one: { time: 0.6, small: 0.4 },
  time: { there: 0.8, '.': 0.2 },
  there: { was: 0.9, '.': 0.1 },
  was: { a: 0.7, once: 0.3 },
  a: { small: 0.6, model: 0.4 },
  small: { model: 0.9, time: 0.1 },
  model: { '.': 0.7, was: 0.3 },
  '.': { '': 1 },
};

/** The text that {@link STORY} generates with greedy sampling. */
export const STORY_GREEDY = 'once upon one time there was a small model .';

/** Words that are tokens of markup, and their type. */
type Special = Readonly<Record<string, 'control' | 'user-defined'>>;

export interface MarkovOptions {
  /** Default {@link STORY}. */
  readonly chain?: Chain;
  /** Default 2: enough for layers to be split. */
  readonly layers?: number;
  /** Tokens the model says it was trained for; default 512. */
  readonly contextLength?: number;
  readonly name?: string;
  /** Words of the chain that are tokens of markup, with their type. Their text has no space before it. */
  readonly special?: Special;
  /** What follows every token that the chain does not have. Default: nothing more likely than anything else. */
  readonly otherwise?: string;
  /** Added to the metadata; replaces existing keys. */
  readonly metadata?: Readonly<Record<string, Value>>;
}

/** Logit of a word that cannot follow: e^−100 is negligible beside any probability here. */
const IMPOSSIBLE = -100;

/** Width of one attention head, one that all of llama.cpp's kernels know. */
const HEAD = 64;

/**
 * Makes a llama-architecture model with a known answer: a first-order Markov chain over words. The embedding of a
 * token is one-hot, attention and feed-forward are zero, the final norm gives the one-hot vector back, and the output
 * matrix holds log-probabilities. So the next word's distribution is the chain's, to the last digit of a float, and
 * greedy output is known beforehand.
 */
export function markovModel(options: MarkovOptions = {}): Buffer {
  return writeGguf(markovSpec(options));
}

/** The same, before it is written. */
export function markovSpec(options: MarkovOptions = {}): GgufSpec<TensorSpec & { readonly data: Uint8Array }> {
  const { chain = STORY, layers = 2, contextLength = 512, name = 'Markov', special = {}, metadata = {} } = options;
  const { otherwise } = options;
  const tokens = [...vocabulary(piecesOf(chain, special)), ...Object.keys(special)];
  const embedding = Math.ceil(tokens.length / HEAD) * HEAD;
  const shape: LlamaShape = {
    layers,
    embedding,
    heads: embedding / HEAD,
    kvHeads: 1,
    feedForward: HEAD,
    vocabulary: tokens.length,
    contextLength,
  };
  const tensors = llamaTensors(shape, 'F16').map((tensor) => {
    const spec = tensor.name === 'output.weight' ? { ...tensor, type: 'F32' } : tensor;
    return { ...spec, data: weights(spec.name, tensorSize(spec).bytes, shape, { chain, tokens, special, otherwise }) };
  });
  const F16_FILE = 1;
  return {
    metadata: { ...llamaMetadata(name, shape, F16_FILE), ...sentencePiece(tokens, special), ...metadata },
    tensors,
  };
}

/** Every word as SentencePiece spells it (`▁once`), with all its beginnings, and the characters they are made of. */
function piecesOf(chain: Chain, special: Special): string[] {
  const pieces = new Set<string>();
  for (const word of Object.keys(chain)) {
    if (word === START || word === '\n' || word in special) continue;
    const spelled = [...spell(word)];
    for (const character of spelled) pieces.add(character);
    for (let end = 2; end <= spelled.length; end++) pieces.add(spelled.slice(0, end).join(''));
  }
  return [...pieces];
}

/** How SentencePiece writes a word: the space before it is part of it. */
function spell(word: string): string {
  return `▁${word}`;
}

function tokenOf(word: string, tokens: readonly string[], special: Special): number {
  if (word === START) return BEGIN_TOKEN;
  if (word === '') return END_TOKEN;
  if (word === '\n') return tokens.indexOf('<0x0A>');
  const token = tokens.indexOf(word in special ? word : spell(word));
  if (token < 0) throw new RangeError(`The chain leads to ${word}, and has no such word`);
  return token;
}

/** F16's 1.0. */
const F16_ONE = 0x3c00;

function weights(
  name: string,
  bytes: number,
  shape: LlamaShape,
  {
    chain,
    tokens,
    special,
    otherwise,
  }: { chain: Chain; tokens: readonly string[]; special: Special; otherwise: string | undefined },
): Uint8Array {
  const data = Buffer.alloc(bytes);
  const { embedding } = shape;
  if (name === 'token_embd.weight') {
    for (const token of tokens.keys()) data.writeUInt16LE(F16_ONE, 2 * (token * embedding + token));
  } else if (name === 'output_norm.weight') {
    // RMS of a one-hot vector is 1/√n, so the norm multiplies it by √n; this takes it back.
    for (let i = 0; i < embedding; i++) data.writeFloatLE(1 / Math.sqrt(embedding), 4 * i);
  } else if (name.endsWith('_norm.weight')) {
    for (let i = 0; i < embedding; i++) data.writeFloatLE(1, 4 * i);
  } else if (name === 'output.weight') {
    for (let i = 0; i < bytes; i += 4) data.writeFloatLE(IMPOSSIBLE, i);
    const known = new Set(Object.keys(chain).map((word) => tokenOf(word, tokens, special)));
    if (otherwise !== undefined) {
      const next = tokenOf(otherwise, tokens, special);
      for (const from of tokens.keys()) if (!known.has(from)) data.writeFloatLE(0, 4 * (next * embedding + from));
    }
    for (const [word, following] of Object.entries(chain)) {
      const from = tokenOf(word, tokens, special);
      for (const [next, probability] of Object.entries(following)) {
        data.writeFloatLE(Math.log(probability), 4 * (tokenOf(next, tokens, special) * embedding + from));
      }
    }
  }
  return data;
}
