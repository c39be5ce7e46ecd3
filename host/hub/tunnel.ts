import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Agents } from 'got';
import { withoutBrackets } from '../common/private-network.ts';
import { proxyHeaders, proxyRefused, proxyUnreachable } from './proxy-errors.ts';

/** Maximum number of idle connections per proxy. */
const MAX_FREE_SOCKETS = 16;

/** A function that opens a connection to a server through a proxy. */
export type OpenTunnel = (host: string, port: number) => Promise<Socket>;

type Connected = (error: Error | null, socket: Duplex) => void;

/** Returns agents that connect through a tunnel. */
export function tunnelAgents(open: OpenTunnel): Agents {
  const options = { keepAlive: true, maxFreeSockets: MAX_FREE_SOCKETS };
  const http = new HttpAgent(options);
  const https = new HttpsAgent(options);
  const encrypt = https.createConnection.bind(https);
  http.createConnection = (to, callback) => connect(to, callback as Connected, (socket) => socket);
  https.createConnection = (to, callback) =>
    connect(to, callback as Connected, (socket) => encrypt({ ...to, socket } as typeof to) as Duplex);

  function connect(to: object, callback: Connected, wrap: (socket: Socket) => Duplex): undefined {
    const { host, port } = to as { host: string; port: number | string };
    const fail = callback as (error: unknown) => void;
    open(host, Number(port)).then((socket) => callback(null, wrap(socket)), fail);
  }
  return { http, https };
}

/** Returns a function that opens a tunnel with a `CONNECT` request. Source: RFC 9110, 9.3.6. */
export function connectTunnel(proxy: URL, timeoutMs: number): OpenTunnel {
  const send = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  return (host, port) =>
    new Promise((resolve, reject) => {
      const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      const request = send({
        host: withoutBrackets(proxy.hostname),
        port: proxy.port,
        method: 'CONNECT',
        path: target,
        headers: { host: target, ...proxyHeaders(proxy) },
        agent: false,
        timeout: timeoutMs,
      });
      request.once('connect', ({ statusCode = 0 }, socket) => {
        socket.setTimeout(0);
        if (statusCode >= 200 && statusCode <= 299) return resolve(socket);
        socket.destroy();
        reject(proxyRefused(proxy, statusCode));
      });
      request.once('timeout', () =>
        request.destroy(Object.assign(new Error('the connection timed out'), { code: 'ETIMEDOUT' })),
      );
      request.once('error', (error) => reject(proxyUnreachable(proxy, error)));
      request.end();
    });
}
