import { request } from 'node:http';
import { startServer, type TIME_LIMITS } from '../../../host/serve/server.ts';
import type { ScriptedHost } from './scripted-host.ts';

export const KEY = `tabagent-${'k'.repeat(43)}`;
export const ORIGIN = 'https://allowed.example';

/** An HTTP response. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests compare parts of it
  readonly json: any;
}

/** Starts a server on a free port, with a scripted host. */
export async function openServer(host: ScriptedHost, timeLimits?: typeof TIME_LIMITS) {
  const logged: unknown[] = [];
  const log = (...line: unknown[]) => logged.push(line);
  const server = await startServer({
    client: host,
    address: '127.0.0.1',
    port: 0,
    key: KEY,
    origins: [ORIGIN],
    keepAlive: 60,
    log: { info: log, warn: log, error: log },
    ...(timeLimits === undefined ? {} : { timeLimits }),
  });
  const { port } = new URL(server.url);

  /**
   * Sends a request with the API key. Unlike `fetch`, it can send any `Host` header.
   *
   * @param options.headers Additional headers; undefined omits a default one.
   */
  function send(
    path: string,
    options: { method?: string; headers?: Record<string, string | undefined>; body?: unknown } = {},
  ): Promise<HttpResponse> {
    const { body, method = body === undefined ? 'GET' : 'POST' } = options;
    const headers = Object.fromEntries(
      Object.entries({
        authorization: `Bearer ${KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      }).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, async (response) => {
        const chunks: Buffer[] = [];
        try {
          for await (const chunk of response) chunks.push(chunk as Buffer);
        } catch (error) {
          reject(error);
          return;
        }
        const text = Buffer.concat(chunks).toString();
        const isJson = response.headers['content-type']?.startsWith('application/json');
        const json = isJson ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
      sent.on('error', reject);
      sent.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
    });
  }

  return { ...server, port: Number(port), send, logged };
}

/** Returns the JSON messages in a stream of server-sent events, without the final `[DONE]`. */
// biome-ignore lint/suspicious/noExplicitAny: tests compare parts of it
export function messagesIn(stream: string): any[] {
  const messages = stream.split('\n\n').filter((message) => message !== '');
  return messages.filter((message) => message !== 'data: [DONE]').map((message) => JSON.parse(message.slice(6)));
}
