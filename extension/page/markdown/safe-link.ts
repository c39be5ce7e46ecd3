/**
 * The address of a link a model wrote, when it is one to follow: whole, `http` or `https`, and without a name and
 * password, which make an address look like another's. Undefined for any other; then the text is shown as text.
 */
export function safeLink(href: string): string | undefined {
  const url = URL.parse(href);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  return url.username === '' && url.password === '' ? url.href : undefined;
}
