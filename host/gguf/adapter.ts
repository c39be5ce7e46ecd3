import { type GgufHeader, type GgufTensor, stringOf } from './header.ts';
import { KIND_NAMES, kindOf } from './kind.ts';
import type { AdapterShape, ModelShape } from './model.ts';
import { placeOf, usedExpertCount } from './model-shape.ts';
import { quote, type Rejection, rejection } from './reject.ts';

/** The names of the two matrices a and b whose product is added to a tensor. Source: `convert_lora_to_gguf.py`. */
const PAIR_TENSOR = /^(.*)\.lora_([ab])$/;

/** Tensors of adapters that llama.cpp skips. Source: `llama_adapter_lora_init_impl`. */
const SKIPPED_TENSOR = /_norm\.weight$/;

/** The tensor whose rows are looked up, so the matrices of its adapter are transposed. */
const EMBEDDINGS = 'token_embd.weight';

/** The output matrix. Models without one use the embeddings in its place. */
const OUTPUT = 'output.weight';

/** Types of tensors that llama.cpp cannot multiply: it aborts the process. */
const NO_MATRIX_TYPES: readonly string[] = ['I8', 'I16', 'I32', 'I64', 'F64', 'Q8_1', 'Q8_K'];

/** The two matrices that are added to a tensor of the model. */
interface Pair {
  a?: GgufTensor;
  b?: GgufTensor;
}

/**
 * Checks that llama.cpp can load and evaluate an adapter with a model. llama.cpp itself checks less, and aborts the process
 * during evaluation.
 *
 * @param adapter The adapter's header.
 * @param model The headers of the model's parts, which have been checked.
 * @returns the sizes of what the adapter adds to the model.
 * @throws HostError `MODEL_REJECTED` with the adapter's file and `{expected, found}`.
 */
export function checkAdapter(
  adapter: GgufHeader,
  model: readonly [GgufHeader, ...GgufHeader[]],
  { layerBytes, architecture }: Pick<ModelShape, 'layerBytes' | 'architecture'>,
): AdapterShape {
  const reject = rejection(adapter.file);
  checkKind(adapter, architecture, reject);
  const bases = new Map(model.flatMap(({ tensors }) => tensors.map((tensor) => [tensor.name, tensor] as const)));
  const layers = new Array<number>(layerBytes.length).fill(0);
  const experts = Math.max(1, usedExpertCount(model[0], architecture));
  let [inputBytes, outputBytes, width] = [0, 0, 0];
  for (const [name, { a, b }] of pairsOf(adapter, reject)) {
    const base = bases.get(name);
    if (base === undefined) {
      throw reject(`it changes tensor ${quote(name)}, which the model does not have`, {
        expected: 'tensors of the model',
        found: quote(name),
      });
    }
    if (a === undefined || b === undefined) {
      const found = `only ${a === undefined ? 'lora_b' : 'lora_a'}`;
      throw reject(`it has ${found} of tensor ${quote(name)}`, { expected: 'lora_a and lora_b', found });
    }
    if (name === EMBEDDINGS && !bases.has(OUTPUT)) {
      throw reject('it changes the token embeddings, which this model also uses as its output matrix', {
        expected: `a model with ${OUTPUT}`,
        found: quote(name),
      });
    }
    checkPair(base, a, b, reject);
    const bytes = a.bytes + b.bytes;
    const place = placeOf(name, layers.length);
    if (typeof place === 'number') layers[place] = (layers[place] ?? 0) + bytes;
    else if (place === 'input') inputBytes += bytes;
    else outputBytes += bytes;
    width = Math.max(width, size(b, 1) * (size(base, 2) > 1 ? experts : 1));
  }
  return { layerBytes: layers, inputBytes, outputBytes, width };
}

/** Returns the sum of several adapters; undefined if there are none. */
export function combined(adapters: readonly AdapterShape[]): AdapterShape | undefined {
  return adapters.reduce<AdapterShape | undefined>(
    (all, one) =>
      all === undefined
        ? one
        : {
            layerBytes: all.layerBytes.map((bytes, layer) => bytes + (one.layerBytes[layer] ?? 0)),
            inputBytes: all.inputBytes + one.inputBytes,
            outputBytes: all.outputBytes + one.outputBytes,
            width: Math.max(all.width, one.width),
          },
    undefined,
  );
}

function checkKind(adapter: GgufHeader, architecture: string, reject: Rejection): void {
  const text = (key: string) => stringOf(adapter, key);
  const type = text('general.type');
  const own = text('general.architecture');
  if (type !== 'adapter') {
    const names = adapter.tensors.map(({ name }) => name);
    const kind = kindOf({ type, architecture: own, tensorCount: names.length, tensorNames: names });
    const what = kind === undefined || kind === 'adapter' ? 'its type is missing' : `it is ${KIND_NAMES[kind]}`;
    throw reject(`${what}, so it is not a LoRA adapter`, {
      expected: 'general.type "adapter"',
      found: quote(type ?? 'no such key'),
    });
  }
  if (own !== architecture) {
    throw reject(`it is for models of architecture ${quote(own ?? '')}, but this model has ${quote(architecture)}`, {
      expected: architecture,
      found: quote(own ?? 'no such key'),
    });
  }
  const kind = text('adapter.type');
  if (kind !== 'lora') {
    throw reject(`it is an adapter of type ${quote(kind ?? '')}, but only LoRA adapters are supported`, {
      expected: 'adapter.type "lora"',
      found: quote(kind ?? 'no such key'),
    });
  }
  // Without an alpha, llama.cpp uses the scale alone.
  const alpha = adapter.metadata.get('adapter.lora.alpha');
  if (alpha !== undefined && (alpha.type !== 'float32' || !Number.isFinite(alpha.value))) {
    throw reject('its alpha is not a number', {
      expected: 'adapter.lora.alpha as float32',
      found: `${String(alpha.value)} as ${alpha.type}`.slice(0, 80),
    });
  }
  if (adapter.metadata.has('adapter.alora.invocation_tokens')) {
    throw reject('it is an activated LoRA adapter (aLoRA), which applies to only a part of a prompt', {
      expected: 'an adapter that applies to whole prompts',
      found: 'adapter.alora.invocation_tokens',
    });
  }
}

/** Returns the matrices by the name of the tensor that they change. */
function pairsOf(adapter: GgufHeader, reject: Rejection): Map<string, Pair> {
  const pairs = new Map<string, Pair>();
  for (const tensor of adapter.tensors) {
    const [, name = '', part] = PAIR_TENSOR.exec(tensor.name) ?? [];
    if (part === undefined) {
      if (SKIPPED_TENSOR.test(tensor.name)) continue;
      throw reject(`it contains tensor ${quote(tensor.name)}, which is not part of a LoRA adapter`, {
        expected: 'tensors whose names end in .lora_a or .lora_b',
        found: quote(tensor.name),
      });
    }
    const pair = pairs.get(name) ?? {};
    pairs.set(name, { ...pair, [part]: tensor });
  }
  if (pairs.size === 0) throw reject('it changes no tensors', { expected: 'tensors', found: 0 });
  return pairs;
}

/** Checks that the product of the two matrices has the dimensions of the tensor. */
function checkPair(base: GgufTensor, a: GgufTensor, b: GgufTensor, reject: Rejection): void {
  for (const tensor of [a, b]) {
    if (!NO_MATRIX_TYPES.includes(tensor.type.name)) continue;
    throw reject(`tensor ${quote(tensor.name)} has type ${tensor.type.name}, which cannot be multiplied`, {
      expected: 'F32, F16, BF16 or a quantization',
      found: tensor.type.name,
    });
  }
  const isLookup = base.name === EMBEDDINGS;
  // `convert_lora_to_gguf.py` transposes the matrices of the embeddings.
  const fits =
    (isLookup
      ? size(a, 1) === size(base, 1) && size(b, 1) === size(base, 0) && size(a, 0) === size(b, 0)
      : size(a, 0) === size(base, 0) && size(b, 1) === size(base, 1) && size(a, 1) === size(b, 0)) &&
    [2, 3].every((at) => size(a, at) === size(base, at) && size(b, at) === size(base, at));
  if (fits) return;
  const inWords = ({ dimensions }: GgufTensor) => dimensions.join(' × ');
  throw reject(
    `its matrices for tensor ${quote(base.name)}, ${inWords(a)} and ${inWords(b)}, do not fit the model's ${inWords(base)}`,
    { expected: `matrices whose product is ${inWords(base)}`, found: `${inWords(a)} and ${inWords(b)}` },
  );
}

/** Returns the elements of a dimension. */
function size({ dimensions }: GgufTensor, at: number): number {
  return dimensions[at] ?? 1;
}
