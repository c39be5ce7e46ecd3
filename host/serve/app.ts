import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono/tiny';
import { clientDisconnected, hostShuttingDown } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import { type AccessRules, assertKey, assertKnownOrigin, corsHeaders, preflightHeaders } from './access.ts';
import type { ApiHandler } from './api-call.ts';
import { ApiError, apiErrorOf } from './api-error.ts';
import { chatCompletions } from './chat.ts';
import { completions } from './completions.ts';
import { embeddings } from './embeddings.ts';
import type { HostClient } from './host-client.ts';
import { Models } from './models.ts';
import { RequestBodies, tooManyRequests } from './request-body.ts';
import { rerank } from './rerank.ts';

/** Most requests at once. A model answers one after the other, so more would only wait. */
const MAX_REQUESTS = 64;

/** Options of {@link createApp}. */
export interface AppOptions {
  readonly client: HostClient;
  readonly rules: AccessRules;
  /** Seconds; see `Models`. */
  readonly keepAlive: number;
  readonly log: Logger;
  /** Aborted when the server stops. */
  readonly signal: AbortSignal;
}

type App = Hono<{ Bindings: HttpBindings }>;

const POSTS: Readonly<Record<string, ApiHandler>> = {
  'chat/completions': chatCompletions,
  completions,
  embeddings,
  rerank,
};

/** Makes the API. Programs whose base URL lacks `/v1` find the same paths without it. */
export function createApp({ client, rules, keepAlive, log, signal: stopping }: AppOptions): App {
  const app: App = new Hono();
  const models = new Models(client, keepAlive);
  const bodies = new RequestBodies();
  let running = 0;

  app.use(async (c, next) => {
    const { headers } = c.env.incoming;
    assertKnownOrigin(headers, rules);
    c.header('cache-control', 'no-store');
    c.header('x-content-type-options', 'nosniff');
    if (c.req.method === 'OPTIONS') return c.body(null, 204, preflightHeaders(headers));
    for (const [name, value] of Object.entries(corsHeaders(headers))) c.header(name, value);
    if (c.req.path !== '/health') assertKey(headers, rules);
    return next();
  });

  app.get('/health', (c) => c.json({ status: 'ok' }));
  for (const base of ['', '/v1']) {
    app.get(`${base}/models`, async (c) => c.json({ object: 'list', data: await models.list() }));
    app.get(`${base}/models/:id{.+}`, async (c) => {
      const id = c.req.param('id');
      const model = (await models.list()).find((listed) => listed.id === id);
      if (model !== undefined) return c.json(model);
      throw new ApiError(404, 'model_not_found', 'There is no model with this ID. /v1/models lists all.', 'model');
    });
    for (const [path, handler] of Object.entries(POSTS)) {
      app.post(`${base}/${path}`, async (c) => {
        assertJson(c.req.header('content-type'));
        if (running >= MAX_REQUESTS) throw tooManyRequests();
        const { incoming, outgoing } = c.env;
        const gone = new AbortController();
        const abort = () => gone.abort(clientDisconnected(undefined));
        running += 1;
        outgoing.once('close', () => {
          running -= 1;
          abort();
        });
        const signal = AbortSignal.any([gone.signal, stopping]);
        return bodies.with(incoming, (body) => handler({ body, client, models, signal, abort }));
      });
    }
  }

  app.notFound(() => errorResponse(new ApiError(404, 'not_found', 'There is nothing at this path.')));
  app.onError((error, c) => {
    const fault = stopping.aborted ? apiErrorOf(hostShuttingDown()) : apiErrorOf(error);
    if (fault.status === 500) log.error('serve.failed', { error });
    return errorResponse(fault, corsAllowed(c.env.incoming.headers, rules));
  });
  return app;
}

function errorResponse(error: ApiError, headers: Record<string, string> = {}): Response {
  const { status, body } = error;
  return Response.json(body, {
    status,
    headers: {
      ...headers,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      // OpenAI's clients try again otherwise, and only a full server answers differently the next time.
      'x-should-retry': String(status === 429),
    },
  });
}

/** The headers for the page that sent a request, if it may read the error. */
function corsAllowed(headers: AppHeaders, { origins }: AccessRules): Record<string, string> {
  return headers.origin !== undefined && origins.includes(headers.origin) ? corsHeaders(headers) : {};
}

type AppHeaders = HttpBindings['incoming']['headers'];

/** A page of another origin can send other types without asking the server first. */
function assertJson(type: string | undefined): void {
  if (/^application\/json\s*(;|$)/i.test(type ?? '')) return;
  throw new ApiError(415, 'unsupported_media_type', 'Send the request with "Content-Type: application/json".');
}
