import { SocksClient } from 'socks';
import { withoutBrackets } from '../common/private-network.ts';
import { proxyUnreachable } from './proxy-errors.ts';
import type { OpenTunnel } from './tunnel.ts';

/** Default port of SOCKS proxies (RFC 1928). */
const SOCKS_PORT = 1080;

/** Returns a function that opens connections through a SOCKS proxy. The proxy resolves host names. */
export function socksTunnel(proxy: URL, version: 4 | 5, timeoutMs: number): OpenTunnel {
  return async (host, port) => {
    const { username, password } = proxy;
    try {
      const { socket } = await SocksClient.createConnection({
        proxy: {
          host: withoutBrackets(proxy.hostname),
          port: Number(proxy.port) || SOCKS_PORT,
          type: version,
          ...(username === '' ? {} : { userId: decodeURIComponent(username), password: decodeURIComponent(password) }),
        },
        command: 'connect',
        destination: { host, port },
        timeout: timeoutMs,
      });
      return socket;
    } catch (error) {
      throw proxyUnreachable(proxy, error);
    }
  };
}
