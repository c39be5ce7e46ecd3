import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that the engine received. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: tests check what a client sent
  readonly body: any;
}

/** Responds to a request as a test requires, correctly or not. */
export type Behaviour = (
  response: ServerResponse,
  request: ReceivedRequest,
  engine: EngineWithFaults,
) => void | Promise<void>;

/**
 * An OpenAI-compatible engine with configurable faults: each request consumes the next behaviour, and the last one
 * remains. Its regular responses follow OpenAI's documentation; `engine-mock.ts` is an independent implementation of
 * them.
 */
export class EngineWithFaults {
  readonly requests: ReceivedRequest[] = [];
  models: readonly string[] = ['small'];
  #server = createServer((request, response) => void this.#respond(request, response));
  #behaviours: Behaviour[] = [];
  /** Resolves when a client closes a response before its end. */
  readonly clientLeft = Promise.withResolvers<void>();

  static async start(port = 0): Promise<EngineWithFaults> {
    const engine = new EngineWithFaults();
    engine.#server.listen(port, '127.0.0.1');
    await once(engine.#server, 'listening');
    return engine;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  /** Sets the behaviours of the next requests for text or embeddings. */
  next(...behaviours: Behaviour[]): void {
    this.#behaviours = behaviours;
  }

  /** The requests for text or embeddings so far. */
  get generations(): ReceivedRequest[] {
    return this.requests.filter(({ method }) => method === 'POST');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #respond(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const { method = '', url: path = '', headers } = incoming;
    const request = { method, path, headers, body: text === '' ? undefined : JSON.parse(text) };
    this.requests.push(request);
    response.on('close', () => {
      if (!response.writableFinished) this.clientLeft.resolve();
    });
    response.on('error', () => {});
    if (method === 'GET' && path === '/v1/models' && this.#listing === undefined) {
      json(200, { object: 'list', data: this.models.map((id) => ({ id, object: 'model' })) })(response, request, this);
      return;
    }
    if (method === 'GET') {
      await (this.#listing ?? json(404, { error: { message: 'Not found' } }))(response, request, this);
      return;
    }
    const [behaviour, ...rest] = this.#behaviours;
    if (rest.length > 0) this.#behaviours = rest;
    await (behaviour ?? streamed(['Hello', '!']))(response, request, this);
  }

  #listing: Behaviour | undefined;

  /** Sets the response to requests for the model list. */
  setModelList(behaviour: Behaviour): void {
    this.#listing = behaviour;
  }
}

/** Responds with JSON. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Behaviour {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** Returns a streamed event with text, in the format of chat completions or completions, depending on the request. */
export function event(text: string, { path }: ReceivedRequest, finish: string | null = null): string {
  const choice = path.endsWith('/chat/completions') ? { delta: { content: text } } : { text };
  return `data: ${JSON.stringify({ choices: [{ index: 0, ...choice, finish_reason: finish }] })}\n\n`;
}

/** Starts a stream of server-sent events. */
export function startStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
}

/** Streams a complete response of these texts. */
export function streamed(texts: readonly string[], options: { finish?: string; usage?: object } = {}): Behaviour {
  return (response, request) => {
    startStream(response);
    for (const text of texts) response.write(event(text, request));
    response.write(event('', request, options.finish ?? 'stop'));
    if (options.usage !== undefined) {
      response.write(`data: ${JSON.stringify({ choices: [], usage: options.usage })}\n\n`);
    }
    response.end('data: [DONE]\n\n');
  };
}

/** Streams some text, then calls a function. */
export function streamedThen(text: string, then: (response: ServerResponse) => void): Behaviour {
  return (response, request) => {
    startStream(response);
    response.write(event(text, request), () => then(response));
  };
}
