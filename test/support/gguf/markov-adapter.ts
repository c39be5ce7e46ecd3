import { type MarkovOptions, markovSpec, START } from './markov-model.ts';
import { float32, string, type TensorSpec, tensorSize, type Value, writeGguf } from './write-gguf.ts';

/** What an adapter adds to the logits of the words that may follow each word. */
export type Changes = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** With greedy sampling, {@link MarkovOptions.chain}'s default then tells {@link SHORT_STORY}. */
export const SHORTCUT: Changes = { one: { small: 10 } };
export const SHORT_STORY = 'once upon one small model .';

export interface AdapterOptions {
  readonly changes?: Changes;
  /** The model that it is for. */
  readonly model?: MarkovOptions;
  /** Keys to add or to replace; `undefined` removes one. */
  readonly keys?: Readonly<Record<string, Value | undefined>>;
  /** Tensors in place of those that make the changes. */
  readonly tensors?: readonly (TensorSpec & { readonly data: Uint8Array })[];
}

/**
 * Makes a LoRA adapter for a Markov model, as `convert_lora_to_gguf.py` writes it. The embedding of a word is one-hot, so
 * a row of `lora_a` that selects a word and a column of `lora_b` with logits change what follows that word, and nothing
 * else.
 */
export function markovAdapter({ changes = SHORTCUT, model = {}, keys = {}, tensors }: AdapterOptions = {}): Buffer {
  const spec = markovSpec(model);
  const output = spec.tensors.find(({ name }) => name === 'output.weight');
  const [embedding = 0, vocabulary = 0] = output?.dimensions ?? [];
  const listed = spec.metadata['tokenizer.ggml.tokens']?.value;
  const tokens = Array.isArray(listed) ? listed : [];
  const tokenOf = (word: string) => tokens.indexOf(word === START ? '<s>' : word === '' ? '</s>' : `▁${word}`);
  const words = Object.entries(changes);
  const rank = words.length;
  const a = new Float32Array(embedding * rank);
  const b = new Float32Array(rank * vocabulary);
  for (const [row, [word, following]] of words.entries()) {
    a[row * embedding + tokenOf(word)] = 1;
    for (const [next, logit] of Object.entries(following)) b[tokenOf(next) * rank + row] = logit;
  }
  const made = [
    { name: 'output.weight.lora_a', dimensions: [embedding, rank], type: 'F32', data: new Uint8Array(a.buffer) },
    { name: 'output.weight.lora_b', dimensions: [rank, vocabulary], type: 'F32', data: new Uint8Array(b.buffer) },
  ];
  const all: Record<string, Value | undefined> = {
    'general.architecture': string('llama'),
    'general.type': string('adapter'),
    'general.name': string('Shortcut'),
    'general.base_model.0.name': string('Markov'),
    'general.base_model.0.repo_url': string('https://huggingface.co/made/story'),
    'adapter.type': string('lora'),
    // With an alpha equal to the rank, a scale of 1 adds the logits as they are.
    'adapter.lora.alpha': float32(rank),
    ...keys,
  };
  const metadata = Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );
  return writeGguf({ metadata, tensors: tensors ?? made });
}

/** Makes an adapter of zeros for a tensor, for a matrix of these dimensions or with others in its two tensors. */
export function zeroPair(
  name: string,
  { a, b, type = 'F32' }: { a: readonly number[]; b: readonly number[]; type?: string },
): (TensorSpec & { readonly data: Uint8Array })[] {
  return [
    { name: `${name}.lora_a`, dimensions: a, type, data: zeros(a, type) },
    { name: `${name}.lora_b`, dimensions: b, type, data: zeros(b, type) },
  ];
}

function zeros(dimensions: readonly number[], type: string): Uint8Array {
  return new Uint8Array(tensorSize({ name: '', dimensions, type }).bytes);
}
