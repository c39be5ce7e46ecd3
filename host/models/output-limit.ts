/**
 * Longest output of one generation, bytes of JSON. A reply says it three times and is to fit a frame of 1 MiB; a client
 * that wants more goes on with another request.
 */
export const MAX_OUTPUT_BYTES = 320 * 1024;
