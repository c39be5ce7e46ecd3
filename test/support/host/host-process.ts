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
  /** Additional environment variables. */
  env?: NodeJS.ProcessEnv;
  /** The arguments. Default: those that Chrome passes. */
  args?: string[];
  /** The host's working directory. Default: that of this process. */
  cwd?: string;
  /** The program to start instead of the built host, such as a packaged one. */
  command?: readonly [program: string, ...args: string[]];
}

/** The entry point of the built host. */
export const HOST_MAIN = fileURLToPath(new URL('../../../dist/host/main.js', import.meta.url));

/** The extension's origin, as Chrome passes it. */
export const CHROME_ORIGIN = `chrome-extension://${CHROMIUM_EXTENSION_ID}/`;

/**
 * A real host process, and a client at the other end of its pipes. `chrome-native-messaging`, an independent
 * implementation, reads and writes the frames. Every message of the host is validated against the protocol's
 * declarations: after an invalid one, waiting for a message fails.
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
  /** The actions of requests by their IDs, because events do not contain the action. */
  readonly #actions = new Map<unknown, string>();
  readonly #undeclared = Promise.withResolvers<never>();
  #nextId = 1;

  constructor(options: StartOptions) {
    const { home, env = {}, args = [CHROME_ORIGIN], cwd, command = [process.execPath, HOST_MAIN] } = options;
    const [program, ...first] = command;
    this.child = spawn(program, [...first, ...args], {
      cwd,
      // Tests must not find the developer's models.
      env: {
        PATH: process.env.PATH,
        HOME: home,
        TABAGENT_HOME: home,
        OLLAMA_MODELS: join(home, '.ollama', 'models'),
        TABAGENT_KEYCHAIN: 'off',
        // The measurement would compete with the tests for the CPU.
        TABAGENT_SPEED_TEST: 'off',
        ...env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#undeclared.promise.catch(() => {
      // The next wait for a message rejects with it.
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
    const exited = this.exited.then(({ code, signal }) => {
      throw new Error(`The host exited (code ${code}, signal ${signal}) before it replied. Its stderr: ${this.stderr}`);
    });
    try {
      return await Promise.race([promise, exited, this.#undeclared.promise]);
    } finally {
      this.#waiting.delete(waiter);
    }
  }

  /** Calls a listener for every further message. Returns a function that removes it. */
  onMessage(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Closes the host's input, as a browser does, and waits until it exits. */
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
