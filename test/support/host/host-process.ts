import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import nativeMessaging from 'chrome-native-messaging';
import { CHROMIUM_EXTENSION_ID } from '../../../manifests/extension-identity.ts';
import { checkDeclared } from './check-declared.ts';

/** A reply or an event, for a client without types. */
// biome-ignore lint/suspicious/noExplicitAny: a client reads whatever came; tests check it against the schemas
export type Message = Record<string, any>;

export interface StartOptions {
  /** Folder that becomes `TABAGENT_HOME`. */
  home: string;
  /** Added to the environment. */
  env?: NodeJS.ProcessEnv;
  /** As the browser passes them. */
  args?: string[];
  /** The host's current folder. @default this process's */
  cwd?: string;
  /** The program to start in place of the built host, such as a packaged one. */
  command?: readonly [program: string, ...args: string[]];
}

/** The built host, as a browser would start it. */
export const HOST_MAIN = fileURLToPath(new URL('../../../dist/host/main.js', import.meta.url));

/** The extension's origin, in the form Chrome passes it. */
export const CHROME_ORIGIN = `chrome-extension://${CHROMIUM_EXTENSION_ID}/`;

/**
 * A real host process and the other end of its pipes. The frames are read and written by `chrome-native-messaging`,
 * an implementation that shares nothing with the host's. Every message of the host is checked against the declarations
 * of the protocol: after one that does not match, waiting for a message fails.
 */
export class HostProcess {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Every received message, in order. */
  readonly received: Message[] = [];
  /** Resolves when the process has exited. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  stderr = '';
  readonly #output = new nativeMessaging.Output();
  readonly #waiting = new Set<{ matches: (message: Message) => boolean; resolve: (message: Message) => void }>();
  readonly #listeners = new Set<(message: Message) => void>();
  /** The actions of requests by their ids, which events lack. */
  readonly #actions = new Map<unknown, string>();
  readonly #undeclared = Promise.withResolvers<never>();
  #nextId = 1;

  constructor(options: StartOptions) {
    const { home, env = {}, args = [CHROME_ORIGIN], cwd, command = [process.execPath, HOST_MAIN] } = options;
    const [program, ...first] = command;
    this.child = spawn(program, [...first, ...args], {
      cwd,
      // Models of the developer must not be visible to a test.
      env: {
        PATH: process.env.PATH,
        HOME: home,
        TABAGENT_HOME: home,
        OLLAMA_MODELS: join(home, '.ollama', 'models'),
        TABAGENT_KEYCHAIN: 'off',
        // It would compete with the tests for the processor.
        TABAGENT_SPEED_TEST: 'off',
        ...env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#undeclared.promise.catch(() => {
      // Reported by the next wait for a message.
    });
    this.#output.pipe(this.child.stdin);
    this.child.stdin.on('error', () => {
      // The host exited first; see `exited`.
    });
    this.child.stdout.pipe(new nativeMessaging.Input()).on('data', (message: Message) => this.#receive(message));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exited = once(this.child, 'close').then(([code, signal]) => ({ code, signal }));
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('The host did not start');
    return this.child.pid;
  }

  /** Sends a message unchanged. */
  send(message: Message): void {
    if (message.requestId !== undefined) this.#actions.set(message.requestId, message.action);
    this.#output.write(message);
  }

  /** Sends a request with its own ID and waits for its reply. */
  async request(action: string, fields: Message = {}): Promise<Message> {
    const requestId = `request-${this.#nextId++}`;
    const reply = this.next((message) => message.requestId === requestId && 'status' in message);
    this.send({ action, requestId, ...fields });
    return reply;
  }

  /** Returns the next matching message. Rejects if the host exits first. */
  async next(matches: (message: Message) => boolean): Promise<Message> {
    const { promise, resolve } = Promise.withResolvers<Message>();
    const waiter = { matches, resolve };
    this.#waiting.add(waiter);
    const gone = this.exited.then(({ code, signal }) => {
      throw new Error(`The host ended (code ${code}, signal ${signal}) before it answered. It said: ${this.stderr}`);
    });
    try {
      return await Promise.race([promise, gone, this.#undeclared.promise]);
    } finally {
      this.#waiting.delete(waiter);
    }
  }

  /** Calls a listener for every message from now on. */
  onMessage(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Closes the host's input, as a browser does, and waits for its exit. */
  async close(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.#output.end();
    return this.exited;
  }

  /** Kills the host, as a crash would. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    await this.exited;
  }

  #receive(message: Message): void {
    this.received.push(message);
    try {
      checkDeclared(message, this.#actions.get(message.requestId));
    } catch (error) {
      this.#undeclared.reject(error);
    }
    for (const listener of this.#listeners) listener(message);
    for (const waiter of this.#waiting) if (waiter.matches(message)) waiter.resolve(message);
  }
}
