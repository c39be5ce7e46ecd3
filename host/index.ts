import { isHostError } from './common/errors.ts';
import { hostShuttingDown } from './common/host-errors.ts';
import { tooOldNode } from './common/node-version.ts';
import { readConfig } from './config.ts';
import { Host } from './host.ts';
import { errorReply } from './messaging/error-reply.ts';
import { parseBody } from './messaging/message-body.ts';
import type { HostEvent } from './protocol/messages.ts';

export { ERROR_CODES, type ErrorCode } from './protocol/errors.ts';
export type { ActionName, EventPayloads, HostEvent, PayloadOf, Reply, RequestOf } from './protocol/messages.ts';

/** Options for {@link createHost}. */
export interface CreateHostOptions {
  /**
   * The data folder, which contains everything that the host writes. Default: `TABAGENT_HOME`, or else the platform's
   * data folder.
   */
  home?: string;
  /** The environment variables with the host's settings. Default: `process.env`. */
  env?: Readonly<Record<string, string | undefined>>;
}

/** A host inside a Node.js program. It has the actions of the native host, but uses no frames. */
export interface EmbeddedHost {
  /**
   * Handles one request and resolves with its reply, both as JSON, like `handle_message` of the original host. Never
   * rejects: every error becomes an error reply.
   */
  handleMessage(json: string): Promise<string>;
  /** Calls `listener` for every event. Returns a function that removes the listener. */
  onEvent(listener: (event: HostEvent) => void): () => void;
  /** Stops downloads and generations and unloads all models. Resolves when everything has ended. */
  close(): Promise<void>;
}

/**
 * Creates a host. Nothing is started until the first request.
 *
 * @throws Error if this version of Node.js is too old.
 * @example
 * const host = createHost({ home: '/srv/my-program/tabagent' });
 * const reply = JSON.parse(await host.handleMessage('{"action": "GET_SYSTEM_RESOURCES"}'));
 * await host.close();
 */
export function createHost(options: CreateHostOptions = {}): EmbeddedHost {
  const old = tooOldNode(process.versions.node);
  if (old !== undefined) throw new Error(old);
  const env = options.env ?? process.env;
  const runnerEntry = new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url);
  const config = readConfig({
    runnerEntry,
    env: options.home === undefined ? env : { ...env, TABAGENT_HOME: options.home },
  });
  const host = new Host(config);
  const closing = new AbortController();
  const listeners = new Set<(event: HostEvent) => void>();
  const context = {
    client: 'local' as const,
    signal: closing.signal,
    emit: (event: HostEvent) => {
      for (const listener of listeners) listener(event);
    },
  };
  return {
    async handleMessage(json) {
      const message = parseBody(Buffer.from(json));
      const reply = isHostError(message) ? errorReply(message) : await host.handle(message, context);
      return JSON.stringify(reply);
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closing.abort(hostShuttingDown());
      await host.close();
    },
  };
}
