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
