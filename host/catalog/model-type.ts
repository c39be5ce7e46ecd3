import { HostError } from '../common/errors.ts';
import type { ModelType } from '../protocol/actions/catalog.ts';
import { quantizationOf } from './quantization-name.ts';

/** What is known of a model; each part may be missing. */
export interface ModelClues {
  /** A file of it, by its path in the repository. */
  readonly file?: string | undefined;
  /** `owner/name`. */
  readonly repo?: string | undefined;
  /** What its GGUF header says, where that has been read. */
  readonly header?: { readonly modelType: 'gguf' | 'bitnet' } | undefined;
  /** What the hub's page of the repository says: `library_name` and tags. */
  readonly labels?: readonly string[] | undefined;
}

/** File endings, of which each belongs to one type. */
const ENDINGS: readonly [ending: RegExp, type: ModelType][] = [
  [/\.onnx([._]data.*)?$/i, 'onnx'],
  [/\.(safetensors|bin|pt|pth)(\.index\.json)?$/i, 'safetensors'],
  [/\.(task|litertlm|tflite)$/i, 'mediapipe'],
];

/** Labels of the hub and words in names of repositories, the most telling first: one repository may have several. */
const WORDS: readonly [word: RegExp, type: ModelType][] = [
  [/(^|[-_/.])gguf($|[-_/.])|llama[._-]?cpp/i, 'gguf'],
  [/(^|[-_/.])(onnx|ort)($|[-_/.])|transformers\.js/i, 'onnx'],
  [/mediapipe|lite-?rt|(^|[-_/.])tflite($|[-_/.])/i, 'mediapipe'],
  [/(^|[-_/.])(safetensors|pytorch|awq|gptq|exl2|mlx)($|[-_/.])/i, 'safetensors'],
];

/** Names of ternary models and of the packings they come in. */
const TERNARY = /bitnet|bitcpm|trilm/i;
const TERNARY_QUANTIZATION = /^(TQ[12]_0|I2_S|TL[12])$/;

/**
 * What runs a model: the one place where that is decided. A file's ending is the surest sign; of a GGUF file its header
 * knows best whether the weights are ternary, then its name, then the repository's. Without a file the hub's labels and
 * the repository's name tell; where nothing does it is taken for GGUF, as a repository of which somebody asks this host.
 */
export function modelTypeFor({ file, repo, header, labels = [] }: ModelClues): ModelType {
  const other = file === undefined ? undefined : ENDINGS.find(([ending]) => ending.test(file));
  if (other !== undefined) return other[1];
  if (header !== undefined) return header.modelType;
  const isGguf = file !== undefined && /\.gguf$/i.test(file);
  if (!isGguf) {
    const words = [...labels, ...(repo === undefined ? [] : [repo])];
    const told = WORDS.find(([word]) => words.some((each) => word.test(each)));
    if (told !== undefined && told[1] !== 'gguf') return told[1];
  }
  const quantization = quantizationOf(file ?? repo ?? '');
  const isTernary = quantization !== undefined && TERNARY_QUANTIZATION.test(quantization);
  return isTernary || TERNARY.test(`${repo ?? ''}/${file ?? ''}`) ? 'bitnet' : 'gguf';
}

/** What runs the types this host does not. */
const RUN_BY: Readonly<Record<Exclude<ModelType, 'gguf' | 'bitnet'>, string>> = {
  onnx: 'ONNX Runtime (in a browser: Transformers.js)',
  safetensors: 'Transformers or vLLM, or a GGUF version of the model here',
  mediapipe: 'MediaPipe LLM Inference or LiteRT-LM',
};

/** The error for a type this host does not run: says what would. */
export function unsupportedType(type: Exclude<ModelType, 'gguf' | 'bitnet'>, file?: string): HostError {
  return new HostError(
    'UNSUPPORTED_MODEL_TYPE',
    `${file ?? 'This model'} is a ${type} model. TabAgent runs GGUF models only. To run it, use ${RUN_BY[type]}.`,
    { details: { modelType: type, expected: ['gguf', 'bitnet'], runBy: RUN_BY[type] } },
  );
}

/** Throws `UNSUPPORTED_MODEL_TYPE` for a file this host cannot run, before anything is fetched. */
export function assertRunnable(file: string): void {
  assertOwnType(modelTypeFor({ file }), file);
}

/** The same for a type that was stated. */
export function assertOwnType(type: ModelType, file: string): void {
  if (type !== 'gguf' && type !== 'bitnet') throw unsupportedType(type, file);
}
