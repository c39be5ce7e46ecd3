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
  /** The data folder, which holds everything that the host writes. Default: `TABAGENT_HOME`, else the platform's data folder. */
  home?: string;
  /** The environment variables that settings are read from. Default: `process.env`. */
  env?: Readonly<Record<string, string | undefined>>;
}

/** A host in a Node.js program: the actions of the native host, without frames. */
export interface EmbeddedHost {
  /**
   * Handles one request and resolves with its reply, both as JSON (`handle_message` of the original host). Never
   * rejects: every error is an error reply.
   */
  handleMessage(json: string): Promise<string>;
  /** Calls `listener` for every event, until the returned function is called. */
  onEvent(listener: (event: HostEvent) => void): () => void;
  /** Stops downloads and generations, unloads all models, and resolves when nothing is left running. */
  close(): Promise<void>;
}

/**
 * Creates a host. It starts nothing until it is used.
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
