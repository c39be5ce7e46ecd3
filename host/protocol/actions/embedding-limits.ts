/** Most texts of one request. They come in one frame, and a client that has more asks again. */
export const MAX_TEXTS = 10_000;

/** Longest text, UTF-16 units: more than the tokens of the largest contexts in use; the bound keeps tokenizing cheap. */
export const MAX_TEXT_CHARACTERS = 2_000_000;

/** Most texts to cluster: all their vectors are in memory at once, and each is compared with each centre many times. */
export const MAX_CLUSTERED_TEXTS = 2_000;

/** Most clusters. Source: the original's limit. */
export const MAX_CLUSTERS = 100;

/** Most items that recommendations are to be like. More of them have no middle that says anything. */
export const MAX_LIKED_ITEMS = 100;
