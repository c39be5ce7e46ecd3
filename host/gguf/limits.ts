/**
 * Limits for GGUF headers. Headers are not trusted: every count in them becomes a loop or an allocation, here and in
 * llama.cpp, so each has a limit well above the values in published models. Counts are also compared with the bytes
 * remaining in the file: a claim of 2^63 entries is rejected before anything is allocated.
 *
 * The limits prevent the following known vulnerabilities of GGUF readers, and similar ones, in any release of
 * llama.cpp: CVE-2024-21802 (more than four dimensions overflow an array), CVE-2024-23496 (a string length overflows
 * when one is added), CVE-2025-49847 (a token length exceeds 32 bits), CVE-2025-53630 and CVE-2026-27940 (the sum of
 * tensor sizes overflows), CVE-2026-33298 (the product of a tensor's dimensions overflows).
 */

/**
 * Maximum number of key-value pairs. Published models have about 30 to 80. llama.cpp compares each key with all earlier
 * ones.
 */
export const MAX_METADATA_ENTRIES = 10_000;

/**
 * Maximum number of tensors per file. The largest known number is about 50,000, in mixture-of-experts models that store
 * each expert separately. llama.cpp compares each name with all earlier ones (quadratic time), and allocates contexts
 * in proportion to the number.
 */
export const MAX_TENSORS = 65_536;

/**
 * Maximum length of a key, in bytes (with `MAX_STRING_BYTES`: CVE-2024-23496). Source: the GGUF specification, "at most
 * 2^16-1 bytes".
 */
export const MAX_KEY_BYTES = 65_535;

/** Maximum length of a tensor's name, in bytes. Source: `GGML_MAX_NAME` of ggml, 64 including the terminating zero. */
export const MAX_TENSOR_NAME_BYTES = 63;

/**
 * Maximum number of dimensions of a tensor (CVE-2024-21802). Source: `GGML_MAX_DIMS` of ggml. A tensor's size must be
 * below 2^53 bytes, and it must end inside the file (CVE-2025-53630, CVE-2026-27940, CVE-2026-33298).
 */
export const MAX_DIMENSIONS = 4;

/**
 * Maximum length of a string value, including tokens, in bytes (CVE-2025-49847). The longest in published models are
 * chat templates and licences, below 200 KB.
 */
export const MAX_STRING_BYTES = 16 * 1024 * 1024;

/**
 * Maximum size of a header (metadata and tensor table), in bytes. The largest in published models, with vocabularies of
 * 260,000 tokens, have 20 MB.
 */
export const MAX_HEADER_BYTES = 256 * 1024 * 1024;

/**
 * Maximum length of an array whose numbers are stored; of longer ones, only the length is. Arrays with a number per
 * layer have at most 512 elements (llama.cpp's limit).
 */
export const MAX_STORED_NUMBERS = 4096;

/** Maximum `general.alignment`, in bytes. 32 is usual; 64 KiB is the largest page size in use. */
export const MAX_ALIGNMENT = 65_536;

/** Default of `general.alignment`. Source: the GGUF specification. */
export const DEFAULT_ALIGNMENT = 32;

/**
 * Required alignment of the data section, in bytes. Source: `TENSOR_ALIGNMENT` of ggml, which aborts otherwise. A
 * smaller `general.alignment` can violate it.
 */
export const DATA_ALIGNMENT = 32;

/** Maximum number of layers. Source: `LLAMA_MAX_LAYERS`; llama.cpp aborts above it. */
export const MAX_LAYERS = 512;

/** Maximum number of experts. Source: `LLAMA_MAX_EXPERTS`; llama.cpp aborts above it. */
export const MAX_EXPERTS = 1024;
