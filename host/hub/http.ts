import type { IncomingHttpHeaders } from 'node:http';
import got, { type PlainResponse, type Request, RequestError, TimeoutError } from 'got';
import { defined } from '../common/defined.ts';
import { BulkClient } from './bulk-client.ts';
import { ConnectionFault } from './bulk-connection.ts';
import { HubFault } from './hub-fault.ts';
import type { ProxyRoute, ProxyRoutes } from './proxy.ts';

/** One request, to be sent once. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: 'HEAD' | 'GET';
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal | undefined;
  /** Much may come: it is read in the way that costs least, where the server and the way to it allow that. */
  readonly isBulk?: boolean;
}

/** Bytes that come. They are good until the next are asked for. Leaving the loop early closes the connection. */
export interface ResponseBody extends AsyncIterable<Uint8Array> {
  /** Gives up what has not been read. */
  destroy(): void;
}

/** An answer whose body has not been read. Whoever gets it reads the body or destroys it. */
export interface HttpResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The headers of the hub's own answer, where that was a redirect to this one. */
  readonly hubHeaders?: IncomingHttpHeaders;
  readonly body: ResponseBody;
}

/** Sends requests. Redirects, retries and meaning are its callers' business. */
export class HttpClient {
  readonly #timeoutMs: number;
  readonly #stallMs: number;
  readonly #proxies: ProxyRoutes;
  readonly #bulk: BulkClient;
  /** Servers that say where a body ends in another way than by its length: got reads those. */
  readonly #notForBulk = new Set<string>();

  /** @param options.timeoutMs Time to connect and be answered; `stallMs`: longest without a byte; milliseconds. */
  constructor(options: { timeoutMs: number; stallMs: number; proxies: ProxyRoutes }) {
    this.#timeoutMs = options.timeoutMs;
    this.#stallMs = options.stallMs;
    this.#proxies = options.proxies;
    this.#bulk = new BulkClient({ connectMs: options.timeoutMs, stallMs: options.stallMs });
  }

  /** Resolves with the answer's head. Throws a transient `HUB_UNREACHABLE` when there is none, the signal's reason when aborted. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { url, signal } = request;
    signal?.throwIfAborted();
    const headers = { 'accept-encoding': 'identity', 'user-agent': 'tabagent-host', ...request.headers };
    const proxy = await this.#proxies.for(url);
    const isDirect = proxy.agent === undefined && proxy.request === undefined;
    if (request.isBulk === true && request.method === 'GET' && isDirect && !this.#notForBulk.has(url.origin)) {
      const response = await this.#sendBulk({ ...request, headers });
      if (response !== undefined) return response;
    }
    return this.#send({ ...request, headers }, proxy);
  }

  /** Undefined where the answer is one that {@link BulkClient} cannot read. */
  async #sendBulk({ url, headers, signal }: HttpRequest): Promise<HttpResponse | undefined> {
    try {
      const { head, body } = await this.#bulk.get(url, headers, signal);
      if (head.length !== undefined || head.status > 299)
        return { url, status: head.status, headers: head.headers, body };
      body.destroy();
      this.#notForBulk.add(url.origin);
      return undefined;
    } catch (error) {
      signal?.throwIfAborted();
      throw unreachable(error, url);
    }
  }

  async #send({ url, method, headers, signal }: HttpRequest, proxy: ProxyRoute): Promise<HttpResponse> {
    const request = got.stream(url, {
      method,
      headers,
      ...proxy,
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
    try {
      const response = await head(request);
      // Faults after the head belong to whoever reads the body.
      request.on('error', () => {});
      return { url, status: response.statusCode, headers: response.headers, body: request };
    } catch (error) {
      request.destroy();
      signal?.throwIfAborted();
      throw unreachable(error, url);
    }
  }
}

function head(request: Request): Promise<PlainResponse> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
}

/** Makes a fault of what broke off on the way. The address is shown without its query: that may be a signature. */
export function unreachable(error: unknown, url: URL): HubFault {
  if (error instanceof HubFault) return error;
  const code = codeOf(error);
  return new HubFault('HUB_UNREACHABLE', `Could not connect to ${url.origin}: ${inWords(error, code)}.`, {
    transient: true,
    details: { host: url.host, cause: code ?? null },
    cause: error,
  });
}

/** What the system, or whoever speaks HTTP here, calls the fault. */
function codeOf(error: unknown): string | undefined {
  if (error instanceof RequestError || error instanceof ConnectionFault) return error.code;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

function inWords(error: unknown, code: string | undefined): string {
  if (error instanceof TimeoutError) return `the connection timed out`;
  switch (code) {
    case 'ETIMEDOUT':
      return 'no answer in time';
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
