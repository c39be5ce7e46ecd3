/** Maximum number of characters read from a `Link` header. */
const MAX_LINK_LENGTH = 16_384;

/** Returns the URL of the next page in a `Link` header (RFC 8288); undefined if there is none. */
export function nextLink(link: string | string[] | undefined): string | undefined {
  const text = String(link ?? '').slice(0, MAX_LINK_LENGTH);
  for (const [, target, parameters = ''] of text.matchAll(/<([^<>]{1,4096})>([^<]*)/g)) {
    if (/;\s*rel\s*=\s*(?:"[^"]*\bnext\b[^"]*"|next\b)/i.test(parameters)) return target;
  }
  return undefined;
}

/**
 * Returns the URL of the page after `url`: its path with the query of the URL in the `Link` header. The rest of the
 * header's URL is ignored, because a mirror may send that of the hub it mirrors.
 */
export function nextPage(url: URL, link: string | string[] | undefined): URL | undefined {
  const target = nextLink(link);
  if (target === undefined || !URL.canParse(target, url.href)) return undefined;
  const next = new URL(url);
  next.search = new URL(target, url).search;
  return next.search === url.search ? undefined : next;
}
