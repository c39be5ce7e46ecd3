import { globalAgent, type IncomingHttpHeaders } from 'node:http';
import { globalAgent as secureAgent } from 'node:https';
import got, { type PlainResponse, type Request, RequestError, TimeoutError } from 'got';
import { defined } from '../common/defined.ts';
import { BulkClient } from './bulk-client.ts';
import { ConnectionError } from './bulk-connection.ts';
import { HubError } from './hub-error.ts';
import { limitInterimResponses } from './interim-responses.ts';
import type { ProxyRoute, ProxyRoutes } from './proxy.ts';
import { isFromProxy, proxyRefused, proxyUnreachable } from './proxy-errors.ts';
import { lookupPublic } from './public-lookup.ts';

/** A request, which is sent once. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: 'HEAD' | 'GET';
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal | undefined;
  /** Whether the body may be large. {@link BulkClient} reads it if no proxy is used and the server sends its length. */
  readonly isBulk?: boolean;
  /**
   * Whether to reject a server name that DNS resolves to this machine or a private network. Has no effect with a proxy,
   * which resolves names itself.
   */
  readonly publicOnly?: boolean;
}

/**
 * The bytes of a response body. Each chunk is valid until the next one is requested. Ending the loop early closes the
 * connection.
 */
export interface ResponseBody extends AsyncIterable<Uint8Array> {
  /** Discards the unread rest. */
  destroy(): void;
}

/** A response whose body has not been read. The receiver must read or destroy the body. */
export interface HttpResponse {
  readonly url: URL;
  /** The IP address of the server; undefined behind a proxy. */
  readonly address: string | undefined;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: ResponseBody;
}

/** Sends single requests. Callers follow redirects, retry, and interpret the responses. */
export class HttpClient {
  readonly #timeoutMs: number;
  readonly #stallMs: number;
  readonly #proxies: ProxyRoutes;
  readonly #bulk: BulkClient;
  /** Origins of servers whose responses have no `Content-Length` and are therefore read by got. */
  readonly #withoutLength = new Set<string>();

  /**
   * @param options.timeoutMs Time limit for connecting, in milliseconds. `stallMs`: maximum time without receiving a
   *   byte, in milliseconds.
   */
  constructor(options: { timeoutMs: number; stallMs: number; proxies: ProxyRoutes }) {
    this.#timeoutMs = options.timeoutMs;
    this.#stallMs = options.stallMs;
    this.#proxies = options.proxies;
    this.#bulk = new BulkClient({
      connectMs: options.timeoutMs,
      stallMs: options.stallMs,
      onStopped: () => this.#closeIdle(),
    });
  }

  /**
   * Closes idle connections. Users often stop a download because it stalled after the loss of the network, which
   * connections do not report. The next request must not wait for a response on such a connection.
   */
  #closeIdle(): void {
    this.#bulk.closeIdle();
    for (const agent of [globalAgent, secureAgent]) {
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
    }
  }

  /**
   * Sends a request. Resolves when the response head has arrived. Throws a transient `HUB_UNREACHABLE` if the request
   * fails, or the signal's reason when aborted.
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { url, signal } = request;
    signal?.throwIfAborted();
    const headers = { 'accept-encoding': 'identity', 'user-agent': 'tabagent-host', ...request.headers };
    const route = this.#proxies.for(url);
    const isBulk = request.isBulk === true && request.method === 'GET' && route.proxy === undefined;
    if (isBulk && !this.#withoutLength.has(url.origin)) {
      const response = await this.#sendBulk({ ...request, headers });
      if (response !== undefined) return response;
    }
    return this.#send({ ...request, headers }, route);
  }

  /** Sends a request with {@link BulkClient}; returns undefined if it cannot read the response. */
  async #sendBulk({ url, headers, signal, publicOnly }: HttpRequest): Promise<HttpResponse | undefined> {
    try {
      const { head, body, address } = await this.#bulk.get(url, headers, signal, publicOnly);
      if (head.length !== undefined || head.status > 299)
        return { url, address, status: head.status, headers: head.headers, body };
      body.destroy();
      this.#withoutLength.add(url.origin);
      return undefined;
    } catch (error) {
      signal?.throwIfAborted();
      throw unreachable(error, url);
    }
  }

  async #send({ url, method, headers, signal, publicOnly }: HttpRequest, route: ProxyRoute): Promise<HttpResponse> {
    const { proxy } = route;
    const request = got.stream(url, {
      method,
      headers,
      ...route.options,
      ...(proxy === undefined && publicOnly === true ? { dnsLookup: lookupPublic } : {}),
      followRedirect: false,
      decompress: false,
      throwHttpErrors: false,
      retry: { limit: 0 },
      timeout: {
        connect: this.#timeoutMs,
        lookup: this.#timeoutMs,
        secureConnect: this.#timeoutMs,
        response: this.#stallMs,
        socket: this.#stallMs,
      },
      ...defined({ signal }),
    });
    request.once('request', limitInterimResponses);
    try {
      const response = await waitForResponse(request);
      // Errors after the head are reported by reading the body.
      request.on('error', () => {});
      if (proxy !== undefined && isFromProxy(response.statusCode, response.headers)) {
        throw proxyRefused(proxy, response.statusCode);
      }
      const address = proxy === undefined ? response.ip : undefined;
      return { url, address, status: response.statusCode, headers: response.headers, body: request };
    } catch (error) {
      request.destroy();
      signal?.throwIfAborted();
      // A request with an absolute URL is sent to the proxy, so it is the proxy that could not be reached.
      throw route.options.request === undefined || proxy === undefined
        ? unreachable(error, url)
        : proxyUnreachable(proxy, error);
    }
  }
}

function waitForResponse(request: Request): Promise<PlainResponse> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
}

/** Converts a connection failure to a HubError. The message contains only the URL's origin: a query may be secret. */
export function unreachable(error: unknown, url: URL): HubError {
  if (error instanceof HubError) return error;
  if (error instanceof RequestError && error.cause instanceof HubError) return error.cause;
  const code = errorCode(error);
  return new HubError('HUB_UNREACHABLE', `Could not connect to ${url.origin}: ${describeError(error, code)}.`, {
    transient: true,
    details: { host: url.host, cause: code ?? null },
    cause: error,
  });
}

/** Returns the error code of the system or the HTTP client. */
function errorCode(error: unknown): string | undefined {
  if (error instanceof RequestError || error instanceof ConnectionError) return error.code;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

function describeError(error: unknown, code: string | undefined): string {
  if (error instanceof TimeoutError) return 'the connection timed out';
  switch (code) {
    case 'ETIMEDOUT':
      return 'the connection timed out';
    case 'EPROTO':
      return 'the response is not valid HTTP';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the server name could not be resolved. Check your network connection';
    case 'ECONNREFUSED':
      return 'the connection was refused';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return 'the connection was interrupted';
    default:
      return code === undefined ? 'the connection failed' : `the connection failed (${code})`;
  }
}
