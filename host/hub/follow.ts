import type { IncomingHttpHeaders } from 'node:http';
import { isPrivateAddress, isPrivateHost } from '../common/private-network.ts';
import type { HttpClient, HttpResponse } from './http.ts';
import { HubError } from './hub-error.ts';

/** Most redirects followed for one request; browsers and Python's requests allow 10 to 30. */
const MAX_REDIRECTS = 10;

/** A request whose redirects are followed. */
export interface FollowRequest {
  readonly url: URL;
  readonly method: 'HEAD' | 'GET';
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal | undefined;
  /** The token, and the only origin it is sent to. */
  readonly token: string | undefined;
  readonly tokenOrigin: string;
  /** Return the redirect that leads to the file's bytes instead of following it, for the headers of the hub itself. */
  readonly stayOnHost?: boolean;
  /** The body may be large (see {@link HttpClient.send}). */
  readonly isBulk?: boolean;
}

/**
 * Sends a request and follows its redirects. The token is sent to the hub's origin only, even if redirects lead away
 * from it and back. Throws `REDIRECT_REFUSED` for a loop, for a redirect from HTTPS to HTTP, for one from a public hub
 * into this machine or a private network, whatever name DNS has for it, and for anything but an http or https URL.
 */
export async function follow(http: HttpClient, request: FollowRequest): Promise<HttpResponse> {
  let { url } = request;
  let hubHeaders: IncomingHttpHeaders | undefined;
  let publicOnly = false;
  for (let step = 0; step <= MAX_REDIRECTS; step += 1) {
    const authorization = request.token !== undefined && url.origin === request.tokenOrigin;
    const headers = authorization ? { ...request.headers, authorization: `Bearer ${request.token}` } : request.headers;
    const { method, signal, isBulk = false } = request;
    const response = await http.send({ url, method, headers, signal, isBulk, publicOnly });
    const { location } = response.headers;
    if (response.status < 300 || response.status > 399 || response.status === 304 || location === undefined) {
      return hubHeaders === undefined ? response : { ...response, hubHeaders };
    }
    publicOnly = !isPrivate(url, response.address);
    const next = nextUrl(url, location, publicOnly);
    // A redirect from HTTP to HTTPS stays on the same host. A hub that serves files from another of its own URLs still
    // sends their metadata with the redirect.
    const leadsToBytes = next.host !== url.host || response.headers['x-linked-etag'] !== undefined;
    if (request.stayOnHost === true && leadsToBytes) return response;
    response.body.destroy();
    if (url.origin === request.tokenOrigin) hubHeaders = response.headers;
    url = next;
  }
  throw new HubError('REDIRECT_REFUSED', `${request.url.origin} redirected more than ${MAX_REDIRECTS} times.`, {
    details: { host: request.url.host, expected: `at most ${MAX_REDIRECTS} redirects` },
  });
}

/** A hub inside a company has a name like any other, and may redirect to its neighbors. */
function isPrivate(url: URL, address: string | undefined): boolean {
  return isPrivateHost(url.hostname) || (address !== undefined && isPrivateAddress(address));
}

function nextUrl(from: URL, location: string, publicOnly: boolean): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const refuse = (why: string) =>
    new HubError('REDIRECT_REFUSED', `${from.origin} redirected to ${why}, which is not allowed.`, {
      details: { host: from.host, found: next?.origin ?? null },
    });
  if (next === undefined) throw refuse('an invalid URL');
  if (next.protocol !== 'https:' && next.protocol !== 'http:')
    throw refuse(`an unsupported protocol (${next.protocol})`);
  if (from.protocol === 'https:' && next.protocol === 'http:') throw refuse(`an unencrypted address (${next.host})`);
  if (publicOnly && isPrivateHost(next.hostname)) throw refuse(`a private network (${next.host})`);
  if (next.username !== '' || next.password !== '') throw refuse('a URL with credentials');
  return next;
}
