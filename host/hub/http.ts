import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import got, { type PlainResponse, type Request, RequestError, TimeoutError } from 'got';
import { HubFault } from './hub-fault.ts';
import type { ProxyRoutes } from './proxy.ts';

/** One request, to be sent once. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: 'HEAD' | 'GET';
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal | undefined;
}

/** An answer whose body has not been read. Whoever gets it reads the body or destroys it. */
export interface HttpResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The headers of the hub's own answer, where that was a redirect to this one. */
  readonly hubHeaders?: IncomingHttpHeaders;
  readonly body: Readable;
}

/** Sends requests. Redirects, retries and meaning are its callers' business. */
export class HttpClient {
  readonly #timeoutMs: number;
  readonly #stallMs: number;
  readonly #proxies: ProxyRoutes;

  /** @param options.timeoutMs Time to connect and be answered; `stallMs`: longest without a byte; milliseconds. */
  constructor(options: { timeoutMs: number; stallMs: number; proxies: ProxyRoutes }) {
    this.#timeoutMs = options.timeoutMs;
    this.#stallMs = options.stallMs;
    this.#proxies = options.proxies;
  }

  /** Resolves with the answer's head. Throws a transient `HUB_UNREACHABLE` when there is none, the signal's reason when aborted. */
  async send({ url, method, headers, signal }: HttpRequest): Promise<HttpResponse> {
    signal?.throwIfAborted();
    const request = got.stream(url, {
      method,
      headers: { 'accept-encoding': 'identity', 'user-agent': 'tabagent-host', ...headers },
      ...(await this.#proxies.for(url)),
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
      ...(signal === undefined ? {} : { signal }),
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
  const code = error instanceof RequestError ? error.code : undefined;
  return new HubFault('HUB_UNREACHABLE', `${url.origin} could not be reached: ${inWords(error, code)}.`, {
    transient: true,
    details: { host: url.host, cause: code ?? null },
    cause: error,
  });
}

function inWords(error: unknown, code: string | undefined): string {
  if (error instanceof TimeoutError) return `no answer in time (${error.event})`;
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name is not known; is there a network?';
    case 'ECONNREFUSED':
      return 'the connection was refused';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return 'the connection was cut';
    default:
      return code === undefined ? 'the connection failed' : `the connection failed (${code})`;
  }
}
