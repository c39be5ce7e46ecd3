import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { defined } from '../common/defined.ts';
import { isHostError } from '../common/errors.ts';
import type { JsonObject } from '../common/json.ts';
import { limitInterimResponses } from '../hub/interim-responses.ts';
import type { ProxyRoute, ProxyRoutes } from '../hub/proxy.ts';
import type { Deadline } from './deadline.ts';
import type { Endpoint } from './endpoint.ts';
import { RemoteError } from './remote-error.ts';

/** A request to a remote engine. */
export interface RemoteRequest {
  readonly endpoint: Endpoint;
  /** Appended to the base address; never derived from input. */
  readonly path: '/models' | '/chat/completions' | '/completions' | '/embeddings';
  /** Absent for a GET request. */
  readonly body?: JsonObject;
  /** API key, sent only to the endpoint: redirects are not followed. */
  readonly key: string | undefined;
  readonly accept: 'application/json' | 'text/event-stream';
  /** Called when the connection is established. */
  readonly onConnected?: () => void;
}

const DIRECT: ProxyRoute = { options: {}, proxy: undefined };

/**
 * Sends a request and resolves with the response head; the caller must read or destroy the body. Connects directly to
 * engines on this computer and in private networks, and to others through the proxy of the environment.
 *
 * @throws RemoteError `REMOTE_UNREACHABLE` (transient); the signal's reason when the deadline has passed.
 */
export async function send(
  request: RemoteRequest,
  proxies: ProxyRoutes,
  { signal }: Deadline,
): Promise<IncomingMessage> {
  signal.throwIfAborted();
  const { endpoint, path, key, accept } = request;
  const url = new URL(`${endpoint.base}${path}`);
  const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  const { options: route, proxy } = endpoint.isPrivate ? DIRECT : proxies.for(url);
  const options = {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      accept,
      'accept-encoding': 'identity',
      'user-agent': 'tabagent-host',
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(body.length) }),
      ...defined({ authorization: key && `Bearer ${key}` }),
    },
    signal,
    ...defined({ agent: url.protocol === 'https:' ? route.agent?.https : route.agent?.http }),
  };
  const answer = Promise.withResolvers<IncomingMessage>();
  const direct = url.protocol === 'https:' ? httpsRequest : httpRequest;
  // The proxy's function is typed for got; it takes the same options as Node's functions.
  const sent = (
    route.request === undefined ? direct(url, options) : route.request(url, options as never)
  ) as ReturnType<typeof httpRequest>;
  sent.once('response', answer.resolve);
  sent.on('error', answer.reject);
  limitInterimResponses(sent);
  sent.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', () => request.onConnected?.());
    else request.onConnected?.();
  });
  sent.end(body);
  try {
    return await answer.promise;
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(endpoint, error, proxy);
  }
}

/** Returns the error for a connection that failed before the response. */
function unreachable({ name, base }: Endpoint, error: unknown, proxy: URL | undefined): RemoteError {
  const code = codeOf(error);
  const through = proxy === undefined ? '' : ` through the proxy ${proxy.host}`;
  const reason = isHostError(error) ? error.message.replace(/\.$/, '') : reasonOf(code);
  // A retry does not fix an invalid certificate.
  const transient = !/CERT|TLS|SSL|ALTNAME/.test(code);
  const { origin } = new URL(base);
  return new RemoteError(
    'REMOTE_UNREACHABLE',
    `Could not connect to remote engine "${name}" at ${origin}${through}: ${reason}.`,
    {
      transient,
      details: { engine: name, cause: code },
    },
  );
}

function reasonOf(code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'the connection was refused. Check that it is running';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name could not be resolved. Check the network connection';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection was interrupted';
    case 'EPROTO':
      return 'the response is not valid HTTP';
    default:
      return `the connection failed (${code})`;
  }
}

/** Returns the code of a system error. The error itself is not used as a cause, see {@link RemoteError}. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  // If several addresses were tried, the first error represents all of them.
  if ('errors' in error && Array.isArray(error.errors) && !('code' in error && typeof error.code === 'string')) {
    return codeOf(error.errors[0]);
  }
  return 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
