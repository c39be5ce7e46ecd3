import type { IncomingHttpHeaders } from 'node:http';
import type { HttpClient, HttpResponse } from './http.ts';
import { HubFault } from './hub-fault.ts';

/** Most redirects followed for one request; browsers and curl's users live with 10 to 20. */
const MAX_REDIRECTS = 10;

/** A request that may be sent on. */
export interface FollowRequest {
  readonly url: URL;
  readonly method: 'HEAD' | 'GET';
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal | undefined;
  /** The token, and the only origin it is sent to. */
  readonly token: string | undefined;
  readonly tokenOrigin: string;
  /** Stop at a redirect to where the bytes are and give it back as the answer: the hub's own headers are wanted. */
  readonly stayOnHost?: boolean;
  /** Much may come ({@link HttpClient.send}). */
  readonly isBulk?: boolean;
}

/**
 * Sends a request and follows its redirects. The token goes to the hub's origin and to no other, also not after a
 * redirect back and forth. Throws `REDIRECT_REFUSED` for a loop, for a step from HTTPS to HTTP, and for anything that is
 * not a web address.
 */
export async function follow(http: HttpClient, request: FollowRequest): Promise<HttpResponse> {
  let { url } = request;
  let hubHeaders: IncomingHttpHeaders | undefined;
  for (let step = 0; step <= MAX_REDIRECTS; step += 1) {
    const authorization = request.token !== undefined && url.origin === request.tokenOrigin;
    const headers = authorization ? { ...request.headers, authorization: `Bearer ${request.token}` } : request.headers;
    const { method, signal, isBulk = false } = request;
    const response = await http.send({ url, method, headers, signal, isBulk });
    const { location } = response.headers;
    if (response.status < 300 || response.status > 399 || response.status === 304 || location === undefined) {
      return hubHeaders === undefined ? response : { ...response, hubHeaders };
    }
    const next = nextUrl(url, location);
    // From plain HTTP to HTTPS of the same host is no other host. A hub that serves its files itself, from another of
    // its addresses, tells of them where it redirects all the same.
    const isAnswer = next.host !== url.host || response.headers['x-linked-etag'] !== undefined;
    if (request.stayOnHost === true && isAnswer) return response;
    response.body.destroy();
    if (url.origin === request.tokenOrigin) hubHeaders = response.headers;
    url = next;
  }
  throw new HubFault('REDIRECT_REFUSED', `${request.url.origin} redirected more than ${MAX_REDIRECTS} times.`, {
    details: { host: request.url.host, expected: `at most ${MAX_REDIRECTS} redirects` },
  });
}

function nextUrl(from: URL, location: string): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const refuse = (why: string) =>
    new HubFault('REDIRECT_REFUSED', `${from.origin} redirected to ${why}, which is not allowed.`, {
      details: { host: from.host, found: next?.origin ?? null },
    });
  if (next === undefined) throw refuse('an invalid URL');
  if (next.protocol !== 'https:' && next.protocol !== 'http:')
    throw refuse(`an unsupported protocol (${next.protocol})`);
  if (from.protocol === 'https:' && next.protocol === 'http:') throw refuse(`an unencrypted address (${next.host})`);
  if (next.username !== '' || next.password !== '') throw refuse('a URL with credentials');
  return next;
}
