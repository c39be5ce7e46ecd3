import { HostError } from '../errors.ts';
import type { ModelType } from '../protocol/actions/catalog.ts';
import { quantizationOf } from './quantization-name.ts';

/** File endings of the model types that are not GGUF. */
const ENDINGS: readonly [ending: RegExp, type: ModelType][] = [
  [/\.onnx(_data)?$/i, 'onnx'],
  [/\.safetensors$/i, 'safetensors'],
  [/\.(task|litertlm|tflite)$/i, 'mediapipe'],
];

/** What runs the types this host does not. */
const RUN_BY: Readonly<Record<Exclude<ModelType, 'gguf' | 'bitnet'>, string>> = {
  onnx: 'ONNX Runtime (in a browser: Transformers.js)',
  safetensors: 'Transformers or vLLM; a GGUF conversion of the model runs here',
  mediapipe: 'MediaPipe LLM Inference or LiteRT-LM',
};

/** The type a file's name tells: ternary and BitNet GGUF files are `bitnet`, everything unknown is taken for `gguf`. */
export function modelTypeOf(file: string): ModelType {
  const other = ENDINGS.find(([ending]) => ending.test(file));
  if (other !== undefined) return other[1];
  const quantization = quantizationOf(file);
  const ternary = quantization !== undefined && /^(TQ[12]_0|I2_S|TL[12])$/.test(quantization);
  return ternary || /bitnet|bitcpm|trilm/i.test(file) ? 'bitnet' : 'gguf';
}

/** The error for a type this host does not run: says what would. */
export function unsupportedType(type: Exclude<ModelType, 'gguf' | 'bitnet'>, file?: string): HostError {
  const what = file === undefined ? `Models of type ${type} are` : `${file} is a model of type ${type}, which is`;
  return new HostError(
    'UNSUPPORTED_MODEL_TYPE',
    `${what} not run by this host, which runs GGUF files. What runs it: ${RUN_BY[type]}.`,
    { details: { modelType: type, expected: ['gguf', 'bitnet'], runBy: RUN_BY[type] } },
  );
}

/** Throws `UNSUPPORTED_MODEL_TYPE` for a file this host cannot run, before anything is fetched. */
export function assertRunnable(file: string): void {
  assertOwnType(modelTypeOf(file), file);
}

/** The same for a type that was stated. */
export function assertOwnType(type: ModelType, file: string): void {
  if (type !== 'gguf' && type !== 'bitnet') throw unsupportedType(type, file);
}
