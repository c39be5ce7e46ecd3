import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Agents, RequestFunction } from 'got';
import { HostError } from '../common/errors.ts';

/** Most idle connections kept per proxy. */
const MAX_FREE_SOCKETS = 16;

/** Options for got that send a request through a proxy; empty for a direct connection. */
export interface ProxyRoute {
  readonly agent?: Agents;
  readonly request?: RequestFunction;
}

/**
 * Proxies from the environment, as curl and Python's requests read it: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
 * `NO_PROXY`, in lower case too. The agent library is loaded when a proxy is used for the first time.
 */
export class ProxyRoutes {
  readonly #env: Readonly<NodeJS.ProcessEnv>;
  readonly #agents = new Map<string, Promise<Agents>>();

  constructor(env: Readonly<NodeJS.ProcessEnv>) {
    this.#env = env;
  }

  /** @throws HostError `INVALID_REQUEST` if the proxy's URL is invalid. */
  async for(url: URL): Promise<ProxyRoute> {
    const address = this.#proxyFor(url);
    if (address === undefined) return {};
    const proxy = readProxy(address);
    // HTTP requests are sent to the proxy itself: many proxies allow tunnels only to the HTTPS port.
    if (url.protocol === 'http:') return { request: throughProxy(proxy) };
    let agents = this.#agents.get(proxy.href);
    if (agents === undefined) {
      agents = createAgents(proxy);
      this.#agents.set(proxy.href, agents);
    }
    return { agent: await agents };
  }

  #proxyFor(url: URL): string | undefined {
    const read = (name: string) => this.#env[name.toLowerCase()] || this.#env[name] || undefined;
    const proxy = (url.protocol === 'https:' ? read('HTTPS_PROXY') : read('HTTP_PROXY')) ?? read('ALL_PROXY');
    return proxy === undefined || isExempt(url, read('NO_PROXY') ?? '') ? undefined : proxy;
  }
}

/**
 * Whether `NO_PROXY` exempts a URL. It lists `*`, host names (which include their subdomains) and IP addresses, each
 * with an optional port.
 */
export function isExempt(url: URL, noProxy: string): boolean {
  return noProxy
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => {
      if (entry === '*') return true;
      const [, host = '', port] = /^\.?\*?\.?(.+?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
      if (port !== undefined && port !== (url.port || (url.protocol === 'https:' ? '443' : '80'))) return false;
      return url.hostname === host || url.hostname.endsWith(`.${host}`);
    });
}

function readProxy(address: string): URL {
  const text = address.includes('://') ? address : `http://${address}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy !== undefined && /^https?:$/.test(proxy.protocol) && proxy.hostname !== '') return proxy;
  // The value is not shown because it may contain a password.
  throw new HostError(
    'INVALID_REQUEST',
    'The proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY must be an http or https URL.',
    { details: { field: 'HTTP_PROXY, HTTPS_PROXY or ALL_PROXY' } },
  );
}

/** Sends requests with the absolute URL to the proxy. Source: RFC 9112, 3.2.2. */
function throughProxy(proxy: URL): RequestFunction {
  const send = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  const authorization = proxyAuthorization(proxy);
  return (url, { headers, method, signal, timeout }, callback) =>
    send(
      {
        host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
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

function proxyAuthorization({ username, password }: URL): { 'proxy-authorization'?: string } {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

async function createAgents(proxy: URL): Promise<Agents> {
  const { HttpsProxyAgent } = await import('hpagent');
  return { https: new HttpsProxyAgent({ keepAlive: true, maxFreeSockets: MAX_FREE_SOCKETS, proxy: proxy.href }) };
}
