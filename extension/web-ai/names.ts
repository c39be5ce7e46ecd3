/** Names of the ports to the worker. */
export const SITE_PORT = 'site';
export const CALLERS_PORT = 'callers';

/** The features of a page, as a permissions policy names them. */
export const FEATURES = [
  'language-model',
  'summarizer',
  'writer',
  'rewriter',
  'translator',
  'language-detector',
] as const;

export type Feature = (typeof FEATURES)[number];

/** Events between the two worlds of a page before its own code runs: one offers a port, the other asks for the offer. */
export const OFFER_EVENT = 'tabagent:offer';
export const ASK_EVENT = 'tabagent:ask';

/** Longest message of a page, UTF-16 code units of JSON. */
export const MAX_PAGE_MESSAGE = 2_000_000;

/** Most pending requests of a caller, over all its documents; a single document is stopped in the page already. */
export const MAX_PENDING = 64;

/** The error for a request beyond {@link MAX_PENDING}. */
export const TOO_MANY_REQUESTS = { name: 'OperationError', message: 'Too many requests at once.' };
