/** Longest `Link` header that is read, characters. */
const MAX_LINK_LENGTH = 16_384;

/** Returns the URL of the next page that a `Link` header names (RFC 8288); undefined if there is none. */
export function nextLink(link: string | string[] | undefined): string | undefined {
  const text = String(link ?? '').slice(0, MAX_LINK_LENGTH);
  for (const [, target, parameters = ''] of text.matchAll(/<([^<>]{1,4096})>([^<]*)/g)) {
    if (/;\s*rel\s*=\s*(?:"[^"]*\bnext\b[^"]*"|next\b)/i.test(parameters)) return target;
  }
  return undefined;
}

/**
 * Returns the URL of the page after `url`: its own path with the query that the `Link` header names. The header's URL is
 * not followed: a mirror may repeat that of the hub it mirrors.
 */
export function nextPage(url: URL, link: string | string[] | undefined): URL | undefined {
  const target = nextLink(link);
  if (target === undefined || !URL.canParse(target, url.href)) return undefined;
  const next = new URL(url);
  next.search = new URL(target, url).search;
  return next.search === url.search ? undefined : next;
}
