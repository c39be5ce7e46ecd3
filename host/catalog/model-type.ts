import { HostError } from '../common/errors.ts';
import { isExternalName } from '../external/external-id.ts';
import type { ModelType } from '../protocol/actions/catalog.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { isListed, kindOfName } from './file-kind.ts';
import { quantizationOf } from './quantization-name.ts';

/** Properties from which the type of a model is derived; all are optional. */
export interface ModelClues {
  /** One of its files, as a path in the repository. */
  readonly file?: string | undefined;
  /** `owner/name`. */
  readonly repo?: string | undefined;
  /** Properties from its GGUF header, if it has been read. */
  readonly header?: { readonly modelType: 'gguf' | 'bitnet' } | undefined;
  /** `library_name` and tags of the repository on the hub. */
  readonly labels?: readonly string[] | undefined;
}

/** Model types by file name extension. */
const EXTENSIONS: readonly [ending: RegExp, type: ModelType][] = [
  [/\.onnx([._]data.*)?$/i, 'onnx'],
  [/\.(safetensors|bin|pt|pth)(\.index\.json)?$/i, 'safetensors'],
  [/\.(task|litertlm|tflite)$/i, 'mediapipe'],
];

/** Model types by labels on the hub and words in repository names. The most specific come first: several may match. */
const LABEL_PATTERNS: readonly [word: RegExp, type: ModelType][] = [
  [/(^|[-_/.])gguf($|[-_/.])|llama[._-]?cpp/i, 'gguf'],
  [/(^|[-_/.])(onnx|ort)($|[-_/.])|transformers\.js/i, 'onnx'],
  [/mediapipe|lite-?rt|(^|[-_/.])tflite($|[-_/.])/i, 'mediapipe'],
  [/(^|[-_/.])(safetensors|pytorch|awq|gptq|exl2|mlx)($|[-_/.])/i, 'safetensors'],
];

/** Patterns for the names of ternary models and of their quantizations. */
const TERNARY = /bitnet|bitcpm|trilm/i;
const TERNARY_QUANTIZATION = /^(TQ[12]_0|I2_S|TL[12])$/;

/**
 * Returns the type of a model, which determines the runtime that it needs. It is derived from the file extension.
 * Whether a GGUF model is ternary is derived from its header, otherwise from its name or the repository's name. Without
 * a file, the type is derived from the hub's labels and the repository's name; the default is GGUF.
 */
export function modelTypeFor({ file, repo, header, labels = [] }: ModelClues): ModelType {
  const other = file === undefined ? undefined : EXTENSIONS.find(([ending]) => ending.test(file));
  if (other !== undefined) return other[1];
  if (header !== undefined) return header.modelType;
  const isGguf = file !== undefined && /\.gguf$/i.test(file);
  if (!isGguf) {
    const labelsAndName = [...labels, ...(repo === undefined ? [] : [repo])];
    const match = LABEL_PATTERNS.find(([word]) => labelsAndName.some((each) => word.test(each)));
    if (match !== undefined && match[1] !== 'gguf') return match[1];
  }
  const quantization = quantizationOf(file ?? repo ?? '');
  const isTernary = quantization !== undefined && TERNARY_QUANTIZATION.test(quantization);
  return isTernary || TERNARY.test(`${repo ?? ''}/${file ?? ''}`) ? 'bitnet' : 'gguf';
}

/** Other runtimes, for the types that this host does not run. */
const ALTERNATIVE_RUNTIMES: Readonly<Record<Exclude<ModelType, 'gguf' | 'bitnet'>, string>> = {
  onnx: 'ONNX Runtime (in a browser: Transformers.js)',
  safetensors: 'Transformers or vLLM, or a GGUF version of the model here',
  mediapipe: 'MediaPipe LLM Inference or LiteRT-LM',
};

/** Returns the error for a type that this host does not run. It names another runtime. */
export function unsupportedType(type: Exclude<ModelType, 'gguf' | 'bitnet'>, file?: string): HostError {
  return new HostError(
    'UNSUPPORTED_MODEL_TYPE',
    `${file ?? 'This model'} is a ${type} model. TabAgent runs GGUF models only. To run it, use ${ALTERNATIVE_RUNTIMES[type]}.`,
    { details: { modelType: type, expected: ['gguf', 'bitnet'], runBy: ALTERNATIVE_RUNTIMES[type] } },
  );
}

/**
 * Throws `UNSUPPORTED_MODEL_TYPE` for a file that this host cannot run, before it is downloaded. Ignores the ids of
 * external models, which are not file names.
 */
export function assertSupportedFile(name: Pick<ModelName, 'owner' | 'repo' | 'file'>): void {
  const { file } = name;
  if (isExternalName(name)) return;
  assertSupportedType(modelTypeFor({ file }), file);
  if (/\.gguf$/i.test(file) && kindOfName(file) !== 'part') return;
  const what = isListed(file)
    ? 'is a piece of a model file. Download all pieces and join them, or choose a file that ends with ".gguf"'
    : 'is not a model file. Choose a file that ends with ".gguf"';
  throw new HostError('UNSUPPORTED_MODEL_TYPE', `${file} ${what}.`, { details: { fileName: file, expected: '.gguf' } });
}

/** Throws `UNSUPPORTED_MODEL_TYPE` for a type that this host cannot run. */
export function assertSupportedType(type: ModelType, file: string): void {
  if (type !== 'gguf' && type !== 'bitnet') throw unsupportedType(type, file);
}
