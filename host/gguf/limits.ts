/**
 * What a GGUF header may claim. A header is read from strangers: every count in it becomes a loop or an allocation,
 * here and again in llama.cpp, so each has a bound that no published model comes near. Counts are also compared with
 * the bytes that are left in the file, so a claim of 2^63 entries costs nothing.
 *
 * Which known faults of GGUF readers they answer (of whatever llama.cpp release is behind them, and of the next one like
 * them): CVE-2024-21802, more dimensions than an array of four holds; CVE-2024-23496, the length of a string that
 * wraps when one is added; CVE-2025-49847, a token too long for 32 bits; CVE-2025-53630 and CVE-2026-27940, sizes of
 * tensors whose sum wraps; CVE-2026-33298, dimensions of a tensor whose product wraps.
 */

/** Key-value pairs. Published models have some 30 to 80. llama.cpp compares each key with all before it. */
export const MAX_METADATA_ENTRIES = 10_000;

/**
 * Tensors of one file. The most seen is some 50,000, in mixture-of-experts models that kept each expert apart.
 * llama.cpp compares each name with all before it (quadratic), and sizes a context by the count.
 */
export const MAX_TENSORS = 65_536;

/** Bytes of a key (with `MAX_STRING_BYTES`: CVE-2024-23496). Source: the GGUF specification, "at most 2^16-1 bytes". */
export const MAX_KEY_BYTES = 65_535;

/** Bytes of a tensor's name. Source: `GGML_MAX_NAME` of ggml, 64 with its closing zero. */
export const MAX_TENSOR_NAME_BYTES = 63;

/**
 * Dimensions of a tensor (CVE-2024-21802). Source: `GGML_MAX_DIMS` of ggml. Their product, in bytes, has to be below 2^53
 * and to end inside the file (CVE-2025-53630, CVE-2026-27940, CVE-2026-33298).
 */
export const MAX_DIMENSIONS = 4;

/** Bytes of one string value, tokens among them (CVE-2025-49847). The longest in the field are chat templates and licences, under 200 KB. */
export const MAX_STRING_BYTES = 16 * 1024 * 1024;

/** Bytes of all metadata and the tensor table. The largest in the field, of vocabularies of 260,000 tokens, have 20 MB. */
export const MAX_HEADER_BYTES = 256 * 1024 * 1024;

/** Numbers kept of a list; longer ones are counted and passed over. Per-layer lists have at most 512 (llama.cpp's limit). */
export const MAX_KEPT_NUMBERS = 4096;

/** `general.alignment`, bytes. 32 is the rule; 64 KiB covers the largest memory page in use. */
export const MAX_ALIGNMENT = 65_536;

/** `general.alignment` of a file that does not say. Source: the GGUF specification. */
export const DEFAULT_ALIGNMENT = 32;

/**
 * Where the weights may begin: multiples of so many bytes. Source: `TENSOR_ALIGNMENT` of ggml, which aborts on others; a
 * `general.alignment` below it leads to them.
 */
export const DATA_ALIGNMENT = 32;

/** Layers. Source: `LLAMA_MAX_LAYERS`; llama.cpp aborts above it. */
export const MAX_LAYERS = 512;

/** Experts. Source: `LLAMA_MAX_EXPERTS`; llama.cpp aborts above it. */
export const MAX_EXPERTS = 1024;
