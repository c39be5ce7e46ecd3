import type { ClientPort, Fitted, FromTabAgent, ToTabAgent } from '../../../extension/web-ai/client.ts';

type Request = ToTabAgent & { readonly messages?: readonly { readonly content: string; readonly tokens?: number }[] };
type Answer = (request: Request, say: (message: object) => void) => void;

/** TabAgent at the other end of a client's port: counts a token for each character, and answers as a test says. */
export class FakeTabAgent {
  /** What arrived, in order. */
  readonly received: Request[] = [];
  contextWindow = 100;
  /** Returns the answer to a prompt. */
  answer: Answer = (_, say) => say({ kind: 'done', result: textResult('Hi.') });
  /** How many messages the next requests leave out. */
  evicted = 0;
  #ports: { listeners: Set<(message: unknown) => void>; closers: Set<() => void> }[] = [];

  /** How often it was connected to. */
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

  /** Closes the port, as a browser does that stops the worker. */
  disconnect(): void {
    for (const close of this.#ports.at(-1)?.closers ?? []) close();
  }

  /** Sends a message about a request. */
  say(message: FromTabAgent | object): void {
    for (const listener of this.#ports.at(-1)?.listeners ?? []) listener(structuredClone(message));
  }

  #receive(request: Request): void {
    this.received.push(request);
    const { id, verb } = request;
    const say = (message: object) => queueMicrotask(() => this.say({ id, ...message }));
    if (verb === 'stop') return;
    const messages = request.messages ?? [];
    const tokens = messages.map((message) => message.tokens ?? message.content.length);
    const kept = tokens.toSpliced(Number((request as { pinned?: number }).pinned ?? 0), this.evicted);
    const fitted: Fitted = { evicted: this.evicted, tokens: kept, toolTokens: 0, contextWindow: this.contextWindow };
    if (verb === 'availability') say({ kind: 'done', result: { availability: 'available' } });
    else if (verb === 'measure') say({ kind: 'done', result: { tokens } });
    else if (verb === 'detect') say({ kind: 'done', result: { languages: [{ language: 'und', confidence: 1 }] } });
    else if (verb === 'prompt') {
      say({ kind: 'fitted', fitted });
      this.answer(request, say);
    } else say({ kind: 'done', result: fitted });
  }
}

/** The result of a prompt that is only text. */
export function textResult(text: string) {
  return { text, toolCalls: [], tokens: text.length, finish: 'stop' };
}

/** The result of a prompt that calls a tool. */
export function callResult(name: string, args: object) {
  const call = { id: `call-${name}`, name, arguments: JSON.stringify(args) };
  return { text: '', toolCalls: [call], tokens: 5, finish: 'tool-calls' };
}
