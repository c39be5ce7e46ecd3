/** Largest message a browser sends to a host, bytes of JSON. Source: Chrome and Firefox native-messaging documentation. */
export const MAX_REQUEST_BYTES = 64 * 1024 * 1024;

/** Largest message a browser accepts from a host, bytes of JSON; after a larger one it closes the port. Same source. */
export const MAX_REPLY_BYTES = 1024 * 1024;

/** Largest context a request may ask for, tokens: 16 Mi, more than any published model has. */
export const MAX_CONTEXT = 16 * 1024 * 1024;

/** Most layers a request may name: more than any model has. */
export const MAX_LAYERS = 100_000;

/** Most LoRA adapters of a model: llama.cpp multiplies with the matrices of each for every token. */
export const MAX_ADAPTERS = 16;

/** Longest idle time before a model is unloaded, seconds: 23 days, the most a timer can wait. */
export const MAX_KEEP_ALIVE = 2_000_000;

/**
 * Most tokens that a request can have predicted at a time. On a CPU, a batch of 8 tokens took 1.7 times as long as one token
 * and a batch of 9 took 3 times as long, because other kernels evaluate it (300 MiB, F16, Zen 5).
 */
export const MAX_LOOKUP_TOKENS = 32;

/** Largest seed: llama.cpp takes 32 bits and reserves the largest value for "random". */
export const MAX_SEED = 0xffff_fffe;

/** Every piece of the output is searched for each stop sequence, so their number and length are limited. */
export const MAX_STOP_SEQUENCES = 32;
export const MAX_STOP_CHARACTERS = 512;

/** Most messages of one generation. More fit no context; the limit keeps a hostile request cheap. */
export const MAX_MESSAGES = 10_000;

/** Most tools of one request. A prompt that describes more leaves no context. */
export const MAX_TOOLS = 1_000;

/** Longest chat template, UTF-16 units. The longest published ones have some 25,000. */
export const MAX_TEMPLATE_CHARACTERS = 256 * 1024;

/** Longest GBNF grammar, and longest JSON schema as text, UTF-16 units. llama.cpp's own examples have about 2,000. */
export const MAX_GRAMMAR_CHARACTERS = 64 * 1024;

/** Longest regular expression, and longest beginning of a restricted output, UTF-16 units. */
export const MAX_REGEX_CHARACTERS = 4_096;

/** Most texts of one request. All of them are in one message; a client that has more sends several requests. */
export const MAX_TEXTS = 10_000;

/** Longest text, UTF-16 units: more than fits in the largest contexts in use. The limit keeps tokenizing cheap. */
export const MAX_TEXT_CHARACTERS = 2_000_000;

/** Most texts to cluster: all their embeddings are in memory at once and are compared with each centroid many times. */
export const MAX_CLUSTERED_TEXTS = 2_000;

/** Most clusters. Source: the original's limit. */
export const MAX_CLUSTERS = 100;

/** Most items to base recommendations on. The mean of more says nothing. */
export const MAX_QUERY_ITEMS = 100;

/** Most damaged chunks of a file that a reply lists; `badChunkCount` counts all of them. */
export const MAX_LISTED_CHUNKS = 256;

/** Longest request id, UTF-16 units: every reply and event of the request repeats it. */
export const MAX_REQUEST_ID_LENGTH = 1_024;

/** Most conversations, messages or changes on a page. */
export const MAX_ROWS = 1000;

/** Longest system prompt of a conversation or a model, UTF-16 units. */
export const MAX_SYSTEM_PROMPT = 100_000;

/** Largest reasoning, tool calls and other fields of a message together, bytes of JSON. */
export const MAX_DETAILS_BYTES = 256 * 1024;
