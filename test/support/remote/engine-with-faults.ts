import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that the engine received. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: what a client sent; tests say what it should be
  readonly body: any;
}

/** Responds to a request as a test requires, correctly or not. */
export type Behaviour = (response: ServerResponse, asked: Asked, engine: EngineWithFaults) => void | Promise<void>;

/**
 * An OpenAI-compatible engine that a test can make fail: each request takes the next behaviour, and the last one stays.
 * What it sends when nothing is wrong follows OpenAI's documentation; that the host reads such answers rightly is shown
 * with another implementation, see `engine-mock.ts`.
 */
export class EngineWithFaults {
  readonly asked: Asked[] = [];
  models: readonly string[] = ['small'];
  #server = createServer((request, response) => void this.#answer(request, response));
  #behaviours: Behaviour[] = [];
  /** Resolves when a client closed a response before its end. */
  readonly left = Promise.withResolvers<void>();

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

  /** Sets the responses to the next requests for text or embeddings. */
  next(...behaviours: Behaviour[]): void {
    this.#behaviours = behaviours;
  }

  /** Requests for text or embeddings so far. */
  get generations(): Asked[] {
    return this.asked.filter(({ method }) => method === 'POST');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const text = Buffer.concat(pieces).toString();
    const { method = '', url: path = '', headers } = request;
    const asked = { method, path, headers, body: text === '' ? undefined : JSON.parse(text) };
    this.asked.push(asked);
    response.on('close', () => {
      if (!response.writableFinished) this.left.resolve();
    });
    response.on('error', () => {});
    if (method === 'GET' && path === '/v1/models' && this.#listing === undefined) {
      json(200, { object: 'list', data: this.models.map((id) => ({ id, object: 'model' })) })(response, asked, this);
      return;
    }
    if (method === 'GET') {
      await (this.#listing ?? json(404, { error: { message: 'Not found' } }))(response, asked, this);
      return;
    }
    const [behaviour, ...rest] = this.#behaviours;
    if (rest.length > 0) this.#behaviours = rest;
    await (behaviour ?? says(['Hello', '!']))(response, asked, this);
  }

  #listing: Behaviour | undefined;

  /** Sets the response to requests for the list of models. */
  lists(behaviour: Behaviour): void {
    this.#listing = behaviour;
  }
}

/** A response that is not a stream. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Behaviour {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** An event of a response: text of a conversation or of a prompt, as requested. */
export function event(text: string, { path }: Asked, finish: string | null = null): string {
  const choice = path.endsWith('/chat/completions') ? { delta: { content: text } } : { text };
  return `data: ${JSON.stringify({ choices: [{ index: 0, ...choice, finish_reason: finish }] })}\n\n`;
}

/** Starts a stream of events. */
export function begin(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
}

/** A complete response of these texts. */
export function says(texts: readonly string[], options: { finish?: string; usage?: object } = {}): Behaviour {
  return (response, asked) => {
    begin(response);
    for (const text of texts) response.write(event(text, asked));
    response.write(event('', asked, options.finish ?? 'stop'));
    if (options.usage !== undefined) {
      response.write(`data: ${JSON.stringify({ choices: [], usage: options.usage })}\n\n`);
    }
    response.end('data: [DONE]\n\n');
  };
}

/** Some text, followed by this. */
export function saysThen(text: string, then: (response: ServerResponse) => void): Behaviour {
  return (response, asked) => {
    begin(response);
    response.write(event(text, asked), () => then(response));
  };
}
