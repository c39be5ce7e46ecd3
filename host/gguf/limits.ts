/**
 * Limits for GGUF headers. Headers are not trusted: every count in them becomes a loop or an allocation, here and in
 * llama.cpp, so each has a limit well above that of any published model. Counts are also compared with the bytes
 * remaining in the file, so that a claim of 2^63 entries costs nothing.
 *
 * The limits prevent these known vulnerabilities of GGUF readers and similar ones, in any release of llama.cpp:
 * CVE-2024-21802, more dimensions than an array of four holds; CVE-2024-23496, the length of a string that wraps when
 * one is added; CVE-2025-49847, a token too long for 32 bits; CVE-2025-53630 and CVE-2026-27940, sizes of tensors whose
 * sum wraps; CVE-2026-33298, dimensions of a tensor whose product wraps.
 */

/** Key-value pairs. Published models have about 30 to 80. llama.cpp compares each key with all earlier ones. */
export const MAX_METADATA_ENTRIES = 10_000;

/**
 * Tensors per file. The largest known number is about 50,000, in mixture-of-experts models that store each expert
 * separately. llama.cpp compares each name with all earlier ones (quadratic), and allocates contexts by the count.
 */
export const MAX_TENSORS = 65_536;

/** Bytes of a key (with `MAX_STRING_BYTES`: CVE-2024-23496). Source: the GGUF specification, "at most 2^16-1 bytes". */
export const MAX_KEY_BYTES = 65_535;

/** Bytes of a tensor's name. Source: `GGML_MAX_NAME` of ggml, 64 including the terminating zero. */
export const MAX_TENSOR_NAME_BYTES = 63;

/**
 * Dimensions of a tensor (CVE-2024-21802). Source: `GGML_MAX_DIMS` of ggml. The product of a tensor's dimensions, in
 * bytes, must be below 2^53 and the tensor must end inside the file (CVE-2025-53630, CVE-2026-27940, CVE-2026-33298).
 */
export const MAX_DIMENSIONS = 4;

/**
 * Bytes of a string value, including tokens (CVE-2025-49847). The longest in published models are chat templates and
 * licences, below 200 KB.
 */
export const MAX_STRING_BYTES = 16 * 1024 * 1024;

/**
 * Bytes of all metadata and the tensor table. The largest in published models, with vocabularies of 260,000 tokens,
 * have 20 MB.
 */
export const MAX_HEADER_BYTES = 256 * 1024 * 1024;

/**
 * Longest list whose numbers are stored; longer lists are only counted. Per-layer lists have at most 512 (llama.cpp's
 * limit).
 */
export const MAX_STORED_NUMBERS = 4096;

/** `general.alignment`, bytes. 32 is usual; 64 KiB covers the largest memory page in use. */
export const MAX_ALIGNMENT = 65_536;

/** Default of `general.alignment`. Source: the GGUF specification. */
export const DEFAULT_ALIGNMENT = 32;

/**
 * The weights must start at a multiple of this, bytes. Source: `TENSOR_ALIGNMENT` of ggml, which aborts otherwise. A
 * smaller `general.alignment` can violate it.
 */
export const DATA_ALIGNMENT = 32;

/** Layers. Source: `LLAMA_MAX_LAYERS`; llama.cpp aborts above it. */
export const MAX_LAYERS = 512;

/** Experts. Source: `LLAMA_MAX_EXPERTS`; llama.cpp aborts above it. */
export const MAX_EXPERTS = 1024;
