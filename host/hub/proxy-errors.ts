import type { IncomingHttpHeaders } from 'node:http';
import { HubError } from './hub-error.ts';

/** Longest part of a library's own message that is shown, characters. */
const MAX_SHOWN = 200;

/** The header with the credentials in a proxy's URL, if it has any. */
export function proxyHeaders({ username, password }: URL): { 'proxy-authorization'?: string } {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** Whether a response comes from the proxy itself and not from the server behind it. */
export function isFromProxy(status: number, headers: IncomingHttpHeaders): boolean {
  // Squid names its own errors; `Proxy-Status` is the standard way (RFC 9209), with an error in it.
  const states = headers['x-squid-error'] !== undefined || /;\s*error=/i.test(String(headers['proxy-status'] ?? ''));
  return status === 407 || (status >= 400 && states);
}

/** The proxy responded with an error. The proxy is shown without its credentials. */
export function proxyRefused(proxy: URL, status: number): HubError {
  const details = { proxy: proxy.host, status };
  if (status === 407) {
    const remedy =
      proxy.username === ''
        ? 'Add a user name and password to its address in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY.'
        : 'Check the user name and password in its address in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY.';
    return new HubError('HUB_UNREACHABLE', `The proxy ${proxy.host} requires authentication (status 407). ${remedy}`, {
      details,
    });
  }
  const remedy = 'Ask its administrator, or exempt the hub from it with NO_PROXY.';
  return new HubError(
    'HUB_UNREACHABLE',
    `The proxy ${proxy.host} refused the connection (status ${status}). ${remedy}`,
    {
      transient: status >= 500,
      details,
    },
  );
}

/** The proxy could not be reached, or ended the connection. */
export function proxyUnreachable(proxy: URL, error: unknown): HubError {
  if (error instanceof HubError) return error;
  const { code, message } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const cause = typeof code === 'string' ? code : undefined;
  const why = String(message ?? cause ?? 'the connection failed')
    .replace(/[\s\p{C}]+/gu, ' ')
    .slice(0, MAX_SHOWN);
  return new HubError(
    'HUB_UNREACHABLE',
    `Could not connect through the proxy ${proxy.host}: ${why}. Check HTTPS_PROXY, HTTP_PROXY or ALL_PROXY.`,
    { transient: !/authentication/i.test(why), details: { proxy: proxy.host, cause: cause ?? null }, cause: error },
  );
}
