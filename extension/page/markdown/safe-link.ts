/**
 * Returns the address of a link if it is safe to follow: absolute, `http` or `https`, and without a user name and
 * password, which can make an address look like that of another site. Undefined otherwise.
 */
export function safeLink(href: string): string | undefined {
  const url = URL.parse(href);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  return url.username === '' && url.password === '' ? url.href : undefined;
}
