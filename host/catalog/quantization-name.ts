import { modelStem } from '../protocol/shards.ts';

/**
 * Matches a quantization in a file name, as written by llama.cpp and publishers of GGUF files: `Q4_K_M`, `IQ2_XXS`,
 * `UD-Q4_K_XL` (unsloth's dynamic quantizations), `MXFP4_MOE`, `TQ2_0`, `I2_S`, `F16`, `BF16`, and the obsolete
 * `Q4_0_4_8`.
 */
const QUANTIZATION =
  /(?:^|[-._/])((?:UD-)?(?:I?Q\d(?:_0_[48]_[48]|_[01]|_NL|_XXS|_XS|_S|_M|_K(?:_XL|_L|_M|_S)?)?|TQ[12]_0|I2_S|TL[12]|MXFP4(?:_MOE)?|NVFP4|BF16|F16|FP16|F32|FP32))(?=$|[-._/])/gi;

/** Returns the last quantization in a file's path; undefined if there is none. */
export function quantizationOf(file: string): string | undefined {
  const name = modelStem(file);
  const found = [...name.matchAll(QUANTIZATION)].at(-1)?.[1]?.toUpperCase();
  return found?.replace(/^FP(16|32)$/, 'F$1');
}
