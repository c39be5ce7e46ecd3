import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { isIP } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { HostError, isSystemError } from '../common/errors.ts';
import { hostShuttingDown } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import { createApp } from './app.ts';
import type { HostClient } from './host-client.ts';

/** The port of the server unless another is chosen. */
export const DEFAULT_PORT = 11_533;

/** Most connections. A connection without a request ends after the limits of time below. */
const MAX_CONNECTIONS = 256;

/** Most bytes of all headers of a request. */
const MAX_HEADER_BYTES = 16 * 1024;

const MAX_HEADERS = 100;

/** Time limits of a connection, in milliseconds. */
export const TIME_LIMITS = {
  /** For sending the headers of a request, from the start of a connection. */
  headersTimeout: 10_000,
  /** For sending a whole request: 64 MiB at 1 MB/s. */
  requestTimeout: 60_000,
  /** For waiting until the next request. */
  keepAliveTimeout: 30_000,
  /** How often the limits are checked. */
  connectionsCheckingInterval: 5_000,
};

/** How long running requests may take to end after they were aborted, milliseconds. */
const CLOSE_GRACE_MS = 2_000;

/** Options of {@link startServer}. */
export interface ServerOptions {
  readonly client: HostClient;
  /** A loopback address; see {@link isLoopback}. */
  readonly address: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly key: string;
  readonly origins: readonly string[];
  readonly keepAlive: number;
  readonly log: Logger;
  /** Shorter in tests. */
  readonly timeLimits?: typeof TIME_LIMITS;
}

/** A server that is listening. */
export interface RunningServer {
  /** Without a path. */
  readonly url: string;
  /** Ends running requests and all connections. */
  close(): Promise<void>;
}

/** Returns whether an address reaches only this computer. */
export function isLoopback(address: string): boolean {
  return (isIP(address) === 4 && address.startsWith('127.')) || address === '::1';
}

/** Starts a server with an OpenAI-compatible API. @throws HostError `SERVE_FAILED` if the port cannot be used. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { address, log, timeLimits = TIME_LIMITS } = options;
  if (!isLoopback(address)) throw new RangeError(`Not a loopback address: ${address}`);
  const stopping = new AbortController();
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, ...timeLimits });
  server.maxHeadersCount = MAX_HEADERS;
  server.maxConnections = MAX_CONNECTIONS;
  const port = await listen(server, options);
  const { key, origins, client, keepAlive } = options;
  const app = createApp({ client, rules: { port, key, origins }, keepAlive, log, signal: stopping.signal });
  const listener = getRequestListener(
    // An HTTP/1 server passes no other bindings.
    (request, env) => app.fetch(request, env as HttpBindings),
    { overrideGlobalObjects: false },
  );
  server.on('request', listener);
  log.info('serve.started', { port });
  return {
    url: `http://${isIP(address) === 6 ? `[${address}]` : address}:${port}`,
    async close() {
      stopping.abort(hostShuttingDown());
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** Returns the port. */
async function listen(server: Server, { port, address }: ServerOptions): Promise<number> {
  try {
    server.listen(port, address);
    await once(server, 'listening');
  } catch (error) {
    if (!isSystemError(error, 'EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL')) throw error;
    const why = error.code === 'EADDRINUSE' ? 'another program uses it' : `the system refuses it (${error.code})`;
    throw new HostError(
      'SERVE_FAILED',
      `Port ${port} of ${address} cannot be used because ${why}. Choose another one with --port, or 0 for any that is free.`,
      { details: { port, address }, cause: error },
    );
  }
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new TypeError('The server listens on no port');
  return bound.port;
}
