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
 * For each word (or line break), the words that can follow it and their probabilities. The empty string ends the text;
 * {@link START} begins it.
 */
export type Chain = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The pseudo-word before the first word of a text. */
export const START = '<start>';

/** A chain of a few words. Each word has one most likely successor, so greedy sampling yields {@link STORY_GREEDY}. */
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

/** Words that are special tokens, with their type. */
type Special = Readonly<Record<string, 'control' | 'user-defined'>>;

export interface MarkovOptions {
  /** Default {@link STORY}. */
  readonly chain?: Chain;
  /** Number of layers; default 2, which can be split between devices. */
  readonly layers?: number;
  /** Width of the feed-forward part of a layer; default 64. Wider ones change only the model's size and speed. */
  readonly feedForward?: number;
  /** Declared training context length, in tokens; default 512. */
  readonly contextLength?: number;
  readonly name?: string;
  /** Words of the chain that are special tokens, with their type. They are not preceded by a space. */
  readonly special?: Special;
  /** The word that follows every token that is not in the chain. Default: all tokens are equally likely. */
  readonly otherwise?: string;
  /** Additional metadata, which replace existing keys. */
  readonly metadata?: Readonly<Record<string, Value>>;
}

/** Logit of a word that cannot follow: e^−100 is negligible compared with any probability here. */
const IMPOSSIBLE = -100;

/** Width of an attention head that all kernels of llama.cpp support. */
const HEAD = 64;

/**
 * Creates a model with the llama architecture whose output is known: a first-order Markov chain over words. The
 * embedding of a token is one-hot, attention and feed-forward weights are zero, the final norm restores the one-hot
 * vector, and the output matrix contains log-probabilities. The distribution of the next word is therefore that of the
 * chain, to the precision of a float.
 */
export function markovModel(options: MarkovOptions = {}): Buffer {
  return writeGguf(markovSpec(options));
}

/** Returns the specification of the file that {@link markovModel} creates. */
export function markovSpec(options: MarkovOptions = {}): GgufSpec<TensorSpec & { readonly data: Uint8Array }> {
  const { chain = STORY, layers = 2, contextLength = 512, name = 'Markov', special = {}, metadata = {} } = options;
  const { otherwise, feedForward = HEAD } = options;
  const tokens = [...vocabulary(piecesOf(chain, special)), ...Object.keys(special)];
  const embedding = Math.ceil(tokens.length / HEAD) * HEAD;
  const shape: LlamaShape = {
    layers,
    embedding,
    heads: embedding / HEAD,
    kvHeads: 1,
    feedForward,
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

/** Returns the SentencePiece spelling of each word (`▁once`), all its prefixes, and all its characters. */
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

/** Returns the SentencePiece spelling of a word, which includes the space before it. */
function spell(word: string): string {
  return `▁${word}`;
}

function tokenOf(word: string, tokens: readonly string[], special: Special): number {
  if (word === START) return BEGIN_TOKEN;
  if (word === '') return END_TOKEN;
  if (word === '\n') return tokens.indexOf('<0x0A>');
  const token = tokens.indexOf(word in special ? word : spell(word));
  if (token < 0) throw new RangeError(`The chain has no entry for ${word}, which follows another word`);
  return token;
}

/** 1.0 in F16. */
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
    // The RMS of a one-hot vector is 1/√n, so the norm multiplies the vector by √n; this weight cancels it.
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
