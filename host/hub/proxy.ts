import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Agents, RequestFunction } from 'got';
import { HostError } from '../common/errors.ts';
import { withoutBrackets } from '../common/private-network.ts';
import { isExempt } from './no-proxy.ts';
import { proxyHeaders } from './proxy-errors.ts';
import { connectTunnel, type OpenTunnel, tunnelAgents } from './tunnel.ts';

/** SOCKS versions by scheme. The proxy always resolves host names, as with `socks4a` and `socks5h` in curl. */
const SOCKS_VERSIONS: ReadonlyMap<string, 4 | 5> = new Map([
  ['socks:', 5],
  ['socks4:', 4],
  ['socks4a:', 4],
  ['socks5:', 5],
  ['socks5h:', 5],
]);

/** The route of a request: direct or through a proxy. */
export interface ProxyRoute {
  /** Options for got; empty for a direct connection. */
  readonly options: { readonly agent?: Agents; readonly request?: RequestFunction };
  /** The proxy, for error messages that show its host. */
  readonly proxy: URL | undefined;
}

/**
 * Selects proxies by the environment variables that curl and Python's requests use: `HTTPS_PROXY`, `HTTP_PROXY`,
 * `ALL_PROXY` and `NO_PROXY`, also in lower case.
 */
export class ProxyRoutes {
  readonly #env: Readonly<NodeJS.ProcessEnv>;
  readonly #timeoutMs: number;
  readonly #agents = new Map<string, Agents>();

  /** @param timeoutMs Time limit for connecting to a server through a proxy, in milliseconds. */
  constructor(env: Readonly<NodeJS.ProcessEnv>, timeoutMs: number) {
    this.#env = env;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws HostError `INVALID_REQUEST` if the proxy's URL is invalid. */
  for(url: URL): ProxyRoute {
    const address = this.#proxyFor(url);
    if (address === undefined) return { options: {}, proxy: undefined };
    const proxy = readProxy(address);
    const version = SOCKS_VERSIONS.get(proxy.protocol);
    // HTTP requests do not use a tunnel: many proxies allow tunnels only to the HTTPS port.
    if (version === undefined && url.protocol === 'http:') return { options: { request: throughProxy(proxy) }, proxy };
    let agent = this.#agents.get(proxy.href);
    if (agent === undefined) {
      const open = version === undefined ? connectTunnel(proxy, this.#timeoutMs) : this.#throughSocks(proxy, version);
      agent = tunnelAgents(open);
      this.#agents.set(proxy.href, agent);
    }
    return { options: { agent }, proxy };
  }

  /** Returns a function that opens tunnels through a SOCKS proxy. It loads the library on first use. */
  #throughSocks(proxy: URL, version: 4 | 5): OpenTunnel {
    return async (host, port) => {
      const { socksTunnel } = await import('./socks-tunnel.ts');
      return socksTunnel(proxy, version, this.#timeoutMs)(host, port);
    };
  }

  #proxyFor(url: URL): string | undefined {
    const read = (name: string) => this.#env[name.toLowerCase()] || this.#env[name] || undefined;
    const proxy = (url.protocol === 'https:' ? read('HTTPS_PROXY') : read('HTTP_PROXY')) ?? read('ALL_PROXY');
    return proxy === undefined || isExempt(url, read('NO_PROXY') ?? '') ? undefined : proxy;
  }
}

function readProxy(address: string): URL {
  const text = address.includes('://') ? address : `http://${address}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  const isKnown = proxy !== undefined && (/^https?:$/.test(proxy.protocol) || SOCKS_VERSIONS.has(proxy.protocol));
  if (isKnown && proxy.hostname !== '') return proxy;
  // The message does not contain the value, which may include a password.
  throw new HostError(
    'INVALID_REQUEST',
    'The proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY must be an http, https, socks4 or socks5 URL.',
    { details: { field: 'HTTP_PROXY, HTTPS_PROXY or ALL_PROXY' } },
  );
}

/** Returns a function that sends requests with an absolute URL to the proxy. Source: RFC 9112, 3.2.2. */
function throughProxy(proxy: URL): RequestFunction {
  const send = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  const authorization = proxyHeaders(proxy);
  return (url, { headers, method, signal, timeout }, callback) =>
    send(
      {
        host: withoutBrackets(proxy.hostname),
        port: proxy.port,
        path: url.href.split('#')[0],
        method,
        headers: { ...headers, host: url.host, ...authorization },
        signal,
        timeout,
      },
      callback,
    );
}
