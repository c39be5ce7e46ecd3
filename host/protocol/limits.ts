/** Largest frame a browser sends to a host, bytes of JSON. Source: Chrome and Firefox native-messaging documentation. */
export const MAX_REQUEST_BYTES = 64 * 1024 * 1024;

/** Largest frame a browser accepts from a host, bytes of JSON; one byte more and it drops the port. Same source. */
export const MAX_REPLY_BYTES = 1024 * 1024;

/** Progress events of one piece of work are at least this far apart, milliseconds; the last one is always sent. */
export const PROGRESS_INTERVAL_MS = 100;
