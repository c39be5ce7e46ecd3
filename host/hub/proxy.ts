import type { Agents } from 'got';

/** Idle connections kept to one proxy. */
const MAX_FREE_SOCKETS = 16;

/**
 * Proxies from the environment, as curl and Python's requests read it: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
 * `NO_PROXY`, in lower case too. The agent library is loaded when a proxy is really used.
 */
export class ProxyAgents {
  readonly #env: Readonly<NodeJS.ProcessEnv>;
  readonly #made = new Map<string, Promise<Agents>>();

  constructor(env: Readonly<NodeJS.ProcessEnv>) {
    this.#env = env;
  }

  /** The agents a request to `url` goes through; empty for a direct connection. */
  async for(url: URL): Promise<Agents> {
    const proxy = this.#proxyFor(url);
    if (proxy === undefined) return {};
    let agents = this.#made.get(proxy);
    if (agents === undefined) {
      agents = makeAgents(proxy);
      this.#made.set(proxy, agents);
    }
    return agents;
  }

  #proxyFor(url: URL): string | undefined {
    const read = (name: string) => this.#env[name.toLowerCase()] || this.#env[name] || undefined;
    const proxy = (url.protocol === 'https:' ? read('HTTPS_PROXY') : read('HTTP_PROXY')) ?? read('ALL_PROXY');
    return proxy === undefined || isExempt(url, read('NO_PROXY') ?? '') ? undefined : proxy;
  }
}

/** `NO_PROXY`: `*`, host names with everything below them, addresses, each perhaps with a port. */
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

async function makeAgents(proxy: string): Promise<Agents> {
  const { HttpProxyAgent, HttpsProxyAgent } = await import('hpagent');
  const options = {
    keepAlive: true,
    maxFreeSockets: MAX_FREE_SOCKETS,
    proxy: proxy.includes('://') ? proxy : `http://${proxy}`,
  };
  return { http: new HttpProxyAgent(options), https: new HttpsProxyAgent(options) };
}
