import type { ClientPort, Fitted, FromTabAgent, ToTabAgent } from '../../../extension/web-ai/client.ts';

type Request = ToTabAgent & { readonly messages?: readonly { readonly content: string; readonly tokens?: number }[] };
type Answer = (request: Request, send: (message: object) => void) => void;

/** Simulates TabAgent at the other end of a client's port. It counts one token per character; tests set its answers. */
export class FakeTabAgent {
  /** The received requests, in order. */
  readonly received: Request[] = [];
  contextWindow = 100;
  /** Answers a prompt by sending messages. */
  answer: Answer = (_, send) => send({ kind: 'done', result: textResult('Hi.') });
  /** Why every request is refused; undefined if none is. */
  refusal: { readonly name: string; readonly message: string } | undefined;
  /** Number of messages that are evicted from the next requests. */
  evicted = 0;
  #ports: { listeners: Set<(message: unknown) => void>; closers: Set<() => void> }[] = [];

  /** The number of connections so far. */
  get connections(): number {
    return this.#ports.length;
  }

  connect = (): ClientPort => {
    const port = { listeners: new Set<(message: unknown) => void>(), closers: new Set<() => void>() };
    this.#ports.push(port);
    return {
      postMessage: (message) => this.#receive(structuredClone(message) as Request),
      onMessage: { addListener: (listener) => void port.listeners.add(listener) },
      onDisconnect: { addListener: (closer) => void port.closers.add(closer) },
    };
  };

  /** Closes the port, as a browser does when it stops the worker. */
  disconnect(): void {
    for (const close of this.#ports.at(-1)?.closers ?? []) close();
  }

  /** Sends a message about a request. */
  send(message: FromTabAgent | object): void {
    for (const listener of this.#ports.at(-1)?.listeners ?? []) listener(structuredClone(message));
  }

  #receive(request: Request): void {
    this.received.push(request);
    const { id, verb } = request;
    const send = (message: object) => queueMicrotask(() => this.send({ id, ...message }));
    if (verb === 'stop') return;
    const messages = request.messages ?? [];
    const tokens = messages.map((message) => message.tokens ?? message.content.length);
    const kept = tokens.toSpliced(Number((request as { pinned?: number }).pinned ?? 0), this.evicted);
    const fitted: Fitted = { evicted: this.evicted, tokens: kept, toolTokens: 0, contextWindow: this.contextWindow };
    if (this.refusal !== undefined) send({ kind: 'error', ...this.refusal });
    else if (verb === 'availability') send({ kind: 'done', result: { availability: 'available' } });
    else if (verb === 'measure') send({ kind: 'done', result: { tokens } });
    else if (verb === 'detect') send({ kind: 'done', result: { languages: [{ language: 'und', confidence: 1 }] } });
    else if (verb === 'prompt') {
      send({ kind: 'fitted', fitted });
      this.answer(request, send);
    } else send({ kind: 'done', result: fitted });
  }
}

/** Returns the result of a prompt: text only. */
export function textResult(text: string) {
  return { text, toolCalls: [], tokens: text.length, finish: 'stop' };
}

/** Returns the result of a prompt: a tool call. */
export function callResult(name: string, args: object) {
  const call = { id: `call-${name}`, name, arguments: JSON.stringify(args) };
  return { text: '', toolCalls: [call], tokens: 5, finish: 'tool-calls' };
}
