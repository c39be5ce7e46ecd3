/** Most tokens one generation may be asked for: the largest context a load may ask for. */
export const MAX_NEW_TOKENS = 16 * 1024 * 1024;

/** Largest seed: llama.cpp takes 32 bits, and its largest value for "any". */
export const MAX_SEED = 0xffff_fffe;

/** Each stop sequence is looked for in every piece of the output, so their number and length are bounded. */
export const MAX_STOP_SEQUENCES = 32;
export const MAX_STOP_CHARACTERS = 512;

/** Messages of one conversation. Longer ones fit no context; the bound keeps a hostile request cheap. */
export const MAX_MESSAGES = 10_000;

/** Longest GBNF grammar, and longest JSON schema as text, UTF-16 units. llama.cpp's own examples have some 2,000. */
export const MAX_GRAMMAR_CHARACTERS = 64 * 1024;
