/** Bytes per parameter in Q4_K_M, the usual quantization. */
const Q4_K_M_BYTES = 0.6;

/** Returns the estimated size of the usual file (Q4_K_M) of a model with a number of parameters, bytes. */
export function estimatedSize(parameters: number): number {
  return parameters * Q4_K_M_BYTES;
}
