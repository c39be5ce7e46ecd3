/** The type of a tensor: the layout of its elements. */
export interface TensorType {
  readonly id: number;
  readonly name: string;
  /** Elements per block; a row consists of whole blocks. */
  readonly blockElements: number;
  /** Bytes per block. */
  readonly blockBytes: number;
}

/**
 * The types of `ggml_type` that the bundled llama.cpp (release v0.4.0, in node-llama-cpp 3.21) supports: `[id, name,
 * elements, bytes]`. Source: `ggml.h` and `type_traits` in `ggml.c`; a test compares it with the library.
 */
const TYPES: readonly (readonly [id: number, name: string, elements: number, bytes: number])[] = [
  [0, 'F32', 1, 4],
  [1, 'F16', 1, 2],
  [2, 'Q4_0', 32, 18],
  [3, 'Q4_1', 32, 20],
  [6, 'Q5_0', 32, 22],
  [7, 'Q5_1', 32, 24],
  [8, 'Q8_0', 32, 34],
  [9, 'Q8_1', 32, 36],
  [10, 'Q2_K', 256, 84],
  [11, 'Q3_K', 256, 110],
  [12, 'Q4_K', 256, 144],
  [13, 'Q5_K', 256, 176],
  [14, 'Q6_K', 256, 210],
  [15, 'Q8_K', 256, 292],
  [16, 'IQ2_XXS', 256, 66],
  [17, 'IQ2_XS', 256, 74],
  [18, 'IQ3_XXS', 256, 98],
  [19, 'IQ1_S', 256, 50],
  [20, 'IQ4_NL', 32, 18],
  [21, 'IQ3_S', 256, 110],
  [22, 'IQ2_S', 256, 82],
  [23, 'IQ4_XS', 256, 136],
  [24, 'I8', 1, 1],
  [25, 'I16', 1, 2],
  [26, 'I32', 1, 4],
  [27, 'I64', 1, 8],
  [28, 'F64', 1, 8],
  [29, 'IQ1_M', 256, 56],
  [30, 'BF16', 1, 2],
  [34, 'TQ1_0', 256, 54],
  [35, 'TQ2_0', 256, 66],
  [39, 'MXFP4', 32, 17],
  [40, 'NVFP4', 64, 36],
  [41, 'Q1_0', 128, 18],
  [42, 'Q2_0', 64, 18],
];

/** The types that llama.cpp supports, by `ggml_type`. */
export const TENSOR_TYPES: ReadonlyMap<number, TensorType> = new Map(
  TYPES.map(([id, name, blockElements, blockBytes]) => [id, { id, name, blockElements, blockBytes }]),
);

/**
 * Types that were removed or exist only in a fork, with a remedy. Sources: `ggml.h` of llama.cpp and of bitnet.cpp.
 */
const UNSUPPORTED: ReadonlyMap<number, string> = new Map([
  [4, 'Q4_2, which llama.cpp no longer supports; use a newer quantization of the model'],
  [5, 'Q4_3, which llama.cpp no longer supports; use a newer quantization of the model'],
  [31, 'Q4_0_4_4, which llama.cpp no longer supports; use the Q4_0 file, which is repacked while loading'],
  [32, 'Q4_0_4_8, which llama.cpp no longer supports; use the Q4_0 file, which is repacked while loading'],
  [33, 'Q4_0_8_8, which llama.cpp no longer supports; use the Q4_0 file, which is repacked while loading'],
  [36, 'I2_S, a format of bitnet.cpp that llama.cpp does not support; use a file of the model in TQ1_0 or TQ2_0'],
  [37, 'I8_S, a format of bitnet.cpp that llama.cpp does not support; use a file of the model in TQ1_0 or TQ2_0'],
  [38, 'TL1, a format of bitnet.cpp that llama.cpp does not support; use a file of the model in TQ1_0 or TQ2_0'],
]);

/** Returns a description of an unsupported tensor type that follows "tensor … has type". */
export function describeUnsupportedType(id: number): string {
  return UNSUPPORTED.get(id) ?? `${id}, which this version of llama.cpp does not support`;
}
