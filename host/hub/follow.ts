import type { IncomingHttpHeaders } from 'node:http';
import { defined } from '../common/defined.ts';
import { isPrivateAddress, isPrivateHost } from '../common/private-network.ts';
import { fromLatin1 } from './header-text.ts';
import type { HttpClient, HttpResponse } from './http.ts';
import { HubError, isTransient } from './hub-error.ts';
import { HUB_REASONS, type Refusal, readRefusal } from './refusal.ts';

/** Maximum number of redirects per request; browsers and Python's requests allow 10 to 30. */
const MAX_REDIRECTS = 10;

/** A request for {@link follow}. */
export interface FollowRequest {
  readonly url: URL;
  readonly method: 'HEAD' | 'GET';
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal | undefined;
  /** The access token, and the only origin to which it is sent. */
  readonly token: string | undefined;
  readonly tokenOrigin: string;
  /** Whether to return the redirect that describes the file instead of following it, to get the hub's own headers. */
  readonly stayOnHost?: boolean;
  /** Whether the body may be large (see {@link HttpClient.send}). */
  readonly isBulk?: boolean;
  /** A public hub redirected to this URL: it must not lead into a private network. */
  readonly publicOnly?: boolean;
}

/** The final response, with information from earlier ones. */
export interface FollowedResponse extends HttpResponse {
  /** The headers of the hub's own response, if it redirected to this one. */
  readonly hubHeaders?: IncomingHttpHeaders;
  /** Whether a public server redirected to the one that responded. */
  readonly publicOnly?: boolean;
  /** Set if the hub rejected the token; the response is that to the request without it. */
  readonly tokenRefusal?: Refusal;
}

/** Headers of redirects that describe the file. The value of the first redirect that has the header is used. */
const DESCRIPTIONS = ['x-linked-etag', 'x-linked-size', 'x-repo-commit'] as const;

/**
 * Sends a request and follows its redirects. The token is sent to the hub's origin only. If the hub rejects the token,
 * the request is repeated without it.
 *
 * @throws HostError `REDIRECT_REFUSED` for a redirect loop, a redirect from HTTPS to HTTP, a redirect from a public
 *   server to this machine or a private network (also by a name that DNS resolves to one), and a URL with another
 *   scheme than http and https.
 */
export async function follow(http: Pick<HttpClient, 'send'>, request: FollowRequest): Promise<FollowedResponse> {
  let { url, token } = request;
  let hubHeaders: IncomingHttpHeaders | undefined;
  let descriptions: IncomingHttpHeaders = {};
  let tokenRefusal: Refusal | undefined;
  let { publicOnly = false } = request;
  /** The first redirect to another host, to return unless a later redirect describes the file. */
  let boundary: FollowedResponse | undefined;
  const complete = (response: HttpResponse): FollowedResponse => ({
    ...response,
    headers: request.stayOnHost === true ? { ...response.headers, ...descriptions } : response.headers,
    publicOnly,
    ...defined({ hubHeaders, tokenRefusal }),
  });
  for (let step = 0; step <= MAX_REDIRECTS; step += 1) {
    const { method, headers, signal, isBulk = false } = request;
    const isHub = url.origin === request.tokenOrigin;
    const send = (authorization: object) =>
      http.send({ url, method, headers: { ...headers, ...authorization }, signal, isBulk, publicOnly });
    let response: HttpResponse;
    try {
      response = await send(isHub && token !== undefined ? { authorization: `Bearer ${token}` } : {});
    } catch (error) {
      signal?.throwIfAborted();
      if (boundary !== undefined && isTransient(error)) return boundary;
      throw error;
    }
    if (isHub && token !== undefined && refusesToken(response, step > 0)) {
      const refusal = await readRefusal(response, { secrets: [token], signal });
      response = await send({});
      // The target of a redirect may reject any token, which does not mean that the hub rejects this one.
      if (step === 0) tokenRefusal = refusal;
      token = undefined;
    }
    const { location } = response.headers;
    if (response.status < 300 || response.status > 399 || response.status === 304 || location === undefined) {
      if (boundary === undefined) return complete(response);
      response.body.destroy();
      return boundary;
    }
    for (const name of DESCRIPTIONS) {
      if (response.headers[name] !== undefined) descriptions = { [name]: response.headers[name], ...descriptions };
    }
    publicOnly = !isPrivate(url, response.address);
    response.body.destroy();
    const next = nextUrl(url, fromLatin1(location), publicOnly);
    if (request.stayOnHost === true) {
      // A hub that redirects to another of its own URLs may send the file's metadata with the redirect.
      if (descriptions['x-linked-etag'] !== undefined) return complete(response);
      // A redirect from HTTP to HTTPS stays on the same host.
      if (next.host !== url.host) boundary ??= complete(response);
    }
    if (isHub) hubHeaders = { ...response.headers, ...descriptions };
    url = next;
  }
  throw new HubError('REDIRECT_REFUSED', `${request.url.origin} redirected more than ${MAX_REDIRECTS} times.`, {
    details: { host: request.url.host, expected: `at most ${MAX_REDIRECTS} redirects` },
  });
}

/**
 * Returns whether a response comes from a private network. A hub inside a company may have a public name, and may
 * redirect to other servers of its network.
 */
function isPrivate(url: URL, address: string | undefined): boolean {
  return isPrivateHost(url.hostname) || (address !== undefined && isPrivateAddress(address));
}

/**
 * Returns whether a response rejects the token rather than the request. A 403 with a reason that concerns the
 * repository means that the hub accepts the token. The target of a redirect may also respond with 400, as S3 does if a
 * request has both a token and a signature.
 */
function refusesToken({ status, headers }: HttpResponse, isRedirected: boolean): boolean {
  if (status === 403) return !HUB_REASONS.has(headers['x-error-code']);
  return status === 401 || (isRedirected && status === 400);
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
