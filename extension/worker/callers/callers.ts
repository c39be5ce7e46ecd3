import type { NativePort } from '../../host-connection.ts';
import { type CallerId, entryOf, withAsked } from '../../web-ai/access.ts';
import { type Fitted, type FromTabAgent, TabAgentError, type Verbs } from '../../web-ai/client.ts';
import { MAX_PENDING, TOO_MANY_REQUESTS } from '../../web-ai/names.ts';
import type { Clock } from '../host-link.ts';
import type { AccessStore } from './access-store.ts';
import { toCallerError } from './caller-error.ts';
import { keyOf, type RunningCallers, type StopCaller } from './caller-messages.ts';
import { evictedFrom } from './fit.ts';
import { generate, resultOf } from './generate.ts';
import { type PageSender, sitesOf } from './identify.ts';
import { Lane } from './lane.ts';
import { type CallerHost, CallerModels, type ReadyModel } from './models.ts';
import { type CallerRequest, readHead, readRequest } from './read-request.ts';

/** Most connections of a caller: one for each of its documents and frames that has used a model. */
export const MAX_CONNECTIONS = 64;

/** The longest generation, milliseconds. */
export const MAX_GENERATION_MS = 10 * 60_000;

/** Options of {@link Callers}. */
export interface CallersOptions {
  readonly host: CallerHost;
  readonly store: AccessStore;
  readonly clock: Clock;
  /** Detects languages: the browser's own, without a model. */
  readonly detect: (text: string) => Promise<Verbs['detect']['result']>;
}

interface Connection {
  readonly port: NativePort;
  readonly caller: CallerId;
  /** All callers that must be allowed. */
  readonly needs: readonly CallerId[];
  /** Its requests that have not ended, by their ids. */
  readonly requests: Map<number, AbortController>;
}

/** The state that all connections of one caller share. */
interface Shared {
  readonly connections: Set<Connection>;
  /** Answers, one at a time. */
  readonly answers: Lane;
  /** Loading a model and counting tokens, one at a time. */
  readonly preparations: Lane;
  generating: number;
}

/**
 * Serves websites and other extensions that the user has allowed. It keeps no conversations: each request contains its
 * messages, and is checked against what the user allows at that moment.
 */
export class Callers {
  readonly #host: CallerHost;
  readonly #store: AccessStore;
  readonly #clock: Clock;
  readonly #detect: CallersOptions['detect'];
  readonly #models: CallerModels;
  readonly #shared = new Map<string, Shared>();
  readonly #pages = new Set<NativePort>();

  constructor({ host, store, clock, detect }: CallersOptions) {
    this.#host = host;
    this.#store = store;
    this.#clock = clock;
    this.#detect = detect;
    this.#models = new CallerModels(host, () => store.lastModel());
  }

  /** Serves a document of a website. */
  acceptSite(port: NativePort, sender: PageSender): void {
    const needs = sitesOf(sender);
    const [caller] = needs ?? [];
    if (needs === undefined || caller === undefined) refuseAll(port);
    else this.#accept(port, caller, needs);
  }

  /** Serves another extension. */
  acceptExtension(port: NativePort, id: string): void {
    const caller: CallerId = { kind: 'extension', id };
    this.#accept(port, caller, [caller]);
    void this.#store.update((access) => withAsked(access, id));
  }

  /** Tells a page of this extension which callers have running requests, and lets it stop them. */
  acceptPage(port: NativePort): void {
    this.#pages.add(port);
    port.onMessage.addListener((message) => {
      const { kind, caller } = message as Partial<StopCaller>;
      if (kind === 'stop' && caller !== undefined) this.stop(caller);
    });
    port.onDisconnect.addListener(() => this.#pages.delete(port));
    post(port, this.#running());
  }

  /** Stops all requests of a caller. */
  stop(caller: CallerId): void {
    const reason = new TabAgentError('AbortError', 'The user stopped the request.');
    for (const { requests } of this.#shared.get(keyOf(caller))?.connections ?? []) {
      for (const controller of requests.values()) controller.abort(reason);
    }
  }

  /** Stops requests of callers that are no longer allowed. */
  accessChanged(): void {
    for (const { connections } of [...this.#shared.values()]) {
      for (const connection of [...connections]) {
        if (this.#store.allows(connection.needs)) continue;
        for (const controller of connection.requests.values()) controller.abort(notAllowed(connection.caller));
      }
    }
  }

  #accept(port: NativePort, caller: CallerId, needs: readonly CallerId[]): void {
    const key = keyOf(caller);
    const shared = this.#shared.get(key) ?? {
      connections: new Set(),
      answers: new Lane(),
      preparations: new Lane(),
      generating: 0,
    };
    if (shared.connections.size >= MAX_CONNECTIONS) {
      port.disconnect();
      return;
    }
    this.#shared.set(key, shared);
    const connection: Connection = { port, caller, needs, requests: new Map() };
    shared.connections.add(connection);
    port.onMessage.addListener((message) => this.#onMessage(connection, shared, message));
    port.onDisconnect.addListener(() => {
      shared.connections.delete(connection);
      if (shared.connections.size === 0) this.#shared.delete(key);
      for (const controller of connection.requests.values())
        controller.abort(new TabAgentError('AbortError', 'The caller has disconnected.'));
    });
  }

  #onMessage(connection: Connection, shared: Shared, message: unknown): void {
    const head = readHead(message);
    if (head === undefined) return;
    const { id, verb } = head;
    if (verb === 'stop') {
      connection.requests.get(id)?.abort(new TabAgentError('AbortError', 'The request was stopped.'));
      return;
    }
    if (connection.requests.has(id)) return;
    const pending = [...shared.connections].reduce((sum, { requests }) => sum + requests.size, 0);
    if (pending >= MAX_PENDING) {
      fail(connection.port, id, new TabAgentError(TOO_MANY_REQUESTS.name, TOO_MANY_REQUESTS.message));
      return;
    }
    const controller = new AbortController();
    connection.requests.set(id, controller);
    void this.#serve(connection, shared, { id, message, signal: controller.signal });
  }

  async #serve(
    connection: Connection,
    shared: Shared,
    { id, message, signal }: { id: number; message: unknown; signal: AbortSignal },
  ): Promise<void> {
    const { port } = connection;
    try {
      await this.#store.load();
      const request = readRequest(message);
      const perform = () => this.#perform(connection, shared, { id, request, signal });
      const lane = laneOf(shared, request);
      const work = lane === undefined ? perform() : lane.run(signal, perform);
      post(port, { id, kind: 'done', result: await Promise.race([work, whenAborted(signal)]) });
    } catch (error) {
      fail(port, id, signal.aborted ? signal.reason : error);
    } finally {
      connection.requests.delete(id);
    }
  }

  async #perform(
    connection: Connection,
    shared: Shared,
    { id, request, signal }: { id: number; request: CallerRequest; signal: AbortSignal },
  ): Promise<unknown> {
    const { port, caller, needs } = connection;
    const { verb } = request;
    if (!this.#store.allows(needs)) {
      if (verb === 'availability') return { availability: 'unavailable' };
      throw notAllowed(caller);
    }
    if (verb === 'detect') return this.#detect(request.text);
    const model = entryOf(this.#store.access, caller)?.model ?? null;
    if (verb === 'availability') return { availability: await this.#models.availability(model) };
    const isActivated = caller.kind === 'extension' || request.isActivated;
    const onProgress = (loaded: number) => {
      if (!signal.aborted) post(port, { id, kind: 'progress', loaded });
    };
    const ready = await this.#models.ready({ model, isActivated, onProgress });
    const messages = await this.#models.count(ready, request.messages);
    if (verb === 'measure') return { tokens: messages.map(({ tokens }) => tokens) };
    const toolTokens = await this.#models.countTools(ready, request.tools);
    const { contextWindow } = ready;
    const evicted = evictedFrom({ ...request, messages, toolTokens, contextWindow });
    const kept = messages.toSpliced(request.pinned, evicted);
    const fitted: Fitted = { evicted, tokens: kept.map(({ tokens }) => tokens), toolTokens, contextWindow };
    if (verb !== 'prompt') return fitted;
    signal.throwIfAborted();
    post(port, { id, kind: 'fitted', fitted });
    shared.generating += 1;
    this.#announce();
    const cancelLimit = this.#clock.after(MAX_GENERATION_MS, () => {
      connection.requests.get(id)?.abort(new TabAgentError('TimeoutError', 'The answer took too long.'));
    });
    try {
      const onChunk = (text: string) => post(port, { id, kind: 'chunk', text });
      const payload = await generate(this.#host, {
        model: ready,
        request,
        messages: kept,
        toolTokens,
        signal,
        onChunk,
      });
      return resultOf(payload, await this.#record(caller, ready, payload));
    } finally {
      cancelLimit();
      shared.generating -= 1;
      this.#announce();
    }
  }

  /** Records what an answer used. Returns its number of tokens as a message. */
  async #record(caller: CallerId, model: ReadyModel, payload: Parameters<typeof resultOf>[0]): Promise<number> {
    const { output, tool_calls: calls, usage } = payload;
    await this.#store.count(caller, usage.promptTokens + usage.completionTokens);
    await this.#store.setLastModel(model.id);
    return this.#models.countText(model, calls === undefined ? output : output + JSON.stringify(calls));
  }

  #running(): RunningCallers {
    const callers = [...this.#shared].filter(([, { generating }]) => generating > 0).map(([key]) => key);
    return { kind: 'running', callers };
  }

  #announce(): void {
    for (const page of this.#pages) post(page, this.#running());
  }
}

/** Returns the queue of a request. One that uses no model has none: it must not wait for a download. */
function laneOf({ answers, preparations }: Shared, { verb }: CallerRequest): Lane | undefined {
  if (verb === 'availability' || verb === 'detect') return undefined;
  return verb === 'prompt' ? answers : preparations;
}

/** Refuses the requests of a document without an origin. */
function refuseAll(port: NativePort): void {
  port.onMessage.addListener((message) => {
    const head = readHead(message);
    if (head === undefined || head.verb === 'stop') return;
    if (head.verb === 'availability')
      post(port, { id: head.id, kind: 'done', result: { availability: 'unavailable' } });
    else fail(port, head.id, notAllowed({ kind: 'site', id: '' }));
  });
}

function notAllowed({ kind }: CallerId): TabAgentError {
  const who = kind === 'site' ? 'site' : 'extension';
  return new TabAgentError('NotAllowedError', `The user has not allowed this ${who} to use models in TabAgent.`);
}

function fail(port: NativePort, id: number, error: unknown): void {
  const { name, message, requested, quota } = toCallerError(error);
  post(port, { id, kind: 'error', name, message, requested, quota });
}

function post(port: NativePort, message: FromTabAgent | RunningCallers): void {
  try {
    port.postMessage(message);
  } catch {
    // The other end has just closed; an event follows.
  }
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
