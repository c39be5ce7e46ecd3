import { ARCHITECTURES } from './architectures.ts';
import { checkLayerSizes } from './check-layer-sizes.ts';
import { arrayOf, type GgufHeader, numberOf, stringOf } from './header.ts';
import { isCompanion, KIND_NAMES, kindOf } from './kind.ts';
import { MAX_EXPERTS, MAX_LAYERS } from './limits.ts';
import { layerOf } from './model-shape.ts';
import { quote, type Rejection, rejection } from './reject.ts';

/** `<architecture>.rope.scaling.type`. Source: `LLAMA_ROPE_SCALING_TYPES`; llama.cpp aborts on others. */
const ROPE_SCALING_TYPES: readonly string[] = ['none', 'linear', 'yarn', 'longrope'];

/** Architectures for which llama.cpp ignores the number of experts when it is 0 or 1. */
const SINGLE_EXPERT_ARCHITECTURES: readonly string[] = ['hunyuan_vl', 'hunyuan-dense'];

/** Tokenizers without a vocabulary in the file. */
const NO_VOCABULARY: readonly string[] = ['none', 'no_vocab'];

/**
 * Rejects a well-formed file that llama.cpp cannot load as a model: it has another kind, an unknown architecture, or
 * metadata on which llama.cpp would abort the process (each rule corresponds to an assertion in
 * `llama_model_base::load_hparams` or a check in `llama-vocab.cpp`).
 *
 * @param header The header of the model's first part.
 * @param tensorNames The tensors of all parts.
 * @throws HostError `MODEL_REJECTED`.
 */
export function checkModel(header: GgufHeader, tensorNames: readonly string[]): void {
  const reject = rejection(header.file);
  const architecture = checkKind(header, tensorNames, reject);
  const layers = required(header, `${architecture}.block_count`, 1, MAX_LAYERS, reject);
  required(header, `${architecture}.embedding_length`, 1, 2 ** 31 - 1, reject);
  required(header, `${architecture}.context_length`, 1, 2 ** 31 - 1, reject);
  checkLayers(layers, tensorNames, reject);
  checkLayerSizes(header, architecture, layers, tensorNames);
  checkExperts(header, architecture, reject);
  checkRopeScaling(header, architecture, reject);
  checkVocabulary(header, reject);
}

function checkKind(header: GgufHeader, tensorNames: readonly string[], reject: Rejection): string {
  const type = stringOf(header, 'general.type');
  const architecture = stringOf(header, 'general.architecture');
  const kind = kindOf({ type, architecture, tensorCount: tensorNames.length, tensorNames });
  // Draft models and audio decoders can be loaded; `modelAbilities` reports what they cannot do.
  if (isCompanion(kind)) {
    throw reject(`it is ${KIND_NAMES[kind]}`, {
      expected: 'a language model',
      found: type === undefined ? `architecture ${quote(architecture ?? '')}` : `general.type ${quote(type)}`,
    });
  }
  if (architecture === undefined) {
    throw reject('its architecture is missing', { expected: 'general.architecture', found: 'no such key' });
  }
  if (!ARCHITECTURES.has(architecture)) {
    throw reject(`its architecture, ${quote(architecture)}, is not supported by this version of llama.cpp`, {
      expected: 'an architecture that llama.cpp supports',
      found: architecture,
    });
  }
  return architecture;
}

function required(header: GgufHeader, key: string, min: number, max: number, reject: Rejection): number {
  const value = numberOf(header, key);
  if (value !== undefined && Number.isInteger(value) && value >= min && value <= max) return value;
  const found = header.metadata.has(key) ? String(header.metadata.get(key)?.value) : 'no such key';
  throw reject(`${key} is ${value === undefined ? 'missing or not a number' : value}`, {
    expected: `${key} from ${min} to ${max}`,
    found: quote(found),
  });
}

function checkLayers(layers: number, tensorNames: Iterable<string>, reject: Rejection): void {
  const present = new Set<number>();
  for (const name of tensorNames) {
    const layer = layerOf(name);
    if (layer === undefined) continue;
    if (layer >= layers) {
      throw reject(`it declares ${layers} layers, but contains tensor ${quote(name)} of layer ${layer}`, {
        expected: `layers 0 to ${layers - 1}`,
        found: layer,
      });
    }
    present.add(layer);
  }
  if (present.size < layers) {
    throw reject(`it declares ${layers} layers, but contains tensors of ${present.size}`, {
      expected: `${layers} layers`,
      found: present.size,
    });
  }
}

function checkExperts(header: GgufHeader, architecture: string, reject: Rejection): void {
  const experts = numberOf(header, `${architecture}.expert_count`) ?? 0;
  const list = arrayOf(header, `${architecture}.expert_used_count`)?.numbers?.map(Number);
  const used = Math.max(0, ...(list ?? [numberOf(header, `${architecture}.expert_used_count`) ?? 0]));
  if (experts <= 1 && SINGLE_EXPERT_ARCHITECTURES.includes(architecture)) return;
  const fits = experts === 0 ? used === 0 : experts <= MAX_EXPERTS && used > 0 && used <= experts;
  if (!fits) {
    throw reject(`it declares ${experts} experts, but uses ${used}`, {
      expected: `at most ${MAX_EXPERTS} experts, of which 1 or more are used`,
      found: `${used} of ${experts}`,
    });
  }
}

function checkRopeScaling(header: GgufHeader, architecture: string, reject: Rejection): void {
  const scaling = stringOf(header, `${architecture}.rope.scaling.type`);
  if (scaling === undefined || ROPE_SCALING_TYPES.includes(scaling)) return;
  throw reject(`its rope scaling is ${quote(scaling)}`, {
    expected: ROPE_SCALING_TYPES.join(', '),
    found: quote(scaling),
  });
}

function checkVocabulary(header: GgufHeader, reject: Rejection): void {
  const tokenizer = stringOf(header, 'tokenizer.ggml.model');
  if (tokenizer === undefined) {
    throw reject('it has no tokenizer', { expected: 'tokenizer.ggml.model', found: 'no such key' });
  }
  if (NO_VOCABULARY.includes(tokenizer)) return;
  const tokens = arrayOf(header, 'tokenizer.ggml.tokens');
  if (tokens?.elementType !== 'string' || tokens.length === 0) {
    throw reject('it has no vocabulary', {
      expected: 'tokenizer.ggml.tokens, a list of strings',
      found: tokens === undefined ? 'no such list' : `${tokens.length} of ${tokens.elementType}`,
    });
  }
  for (const [key, types] of [
    ['tokenizer.ggml.scores', ['float32', 'int32']],
    ['tokenizer.ggml.token_type', ['int32']],
  ] as const) {
    const list = arrayOf(header, key);
    if (!header.metadata.has(key)) continue;
    const typed = list !== undefined && types.some((type) => type === list.elementType);
    if (!typed || list.length < tokens.length) {
      throw reject(`${key} has ${list?.length ?? 0} values for ${tokens.length} tokens`, {
        expected: `${tokens.length} of ${types.join(' or ')}`,
        found: list === undefined ? 'no list' : `${list.length} of ${list.elementType}`,
      });
    }
  }
}
