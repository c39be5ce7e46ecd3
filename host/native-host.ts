import { devNull } from 'node:os';
import { HostError, isHostError } from './common/errors.ts';
import { createLogger, type Logger } from './common/log.ts';
import { DEFAULT_LIMITS, type HostLimits, readConfig } from './config.ts';
import { type Caller, isOwnExtension } from './configuration/caller.ts';
import { Host } from './host.ts';
import { errorReply } from './messaging/error-reply.ts';
import { takeOverStdio } from './messaging/stdio.ts';
import type { HostEvent } from './protocol/messages.ts';
import { readHead } from './protocol/parse-request.ts';
import { Session, type SessionHandler } from './session.ts';

/** Longest the parts may take to close once the last reply is out, milliseconds. A runner is killed well before. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Speaks frames with a browser on stdin and stdout until one side ends. Resolves with the exit code: 0 after a clean
 * end, 1 after a broken frame or a refusal.
 *
 * @param entry The module this process was started with; runners are started with it too.
 * @param caller The extension a browser names; undefined when a program of the user's speaks frames.
 */
export async function runNativeHost(entry: URL, caller: Caller | undefined): Promise<number> {
  const { input, output } = takeOverStdio();
  if (caller !== undefined && !isOwnExtension(caller)) {
    const { refuseUnlessAllowed } = await import('./configuration/refuse.ts');
    if (await refuseUnlessAllowed(caller, { input, output }, entry)) process.exit(1);
  }
  const host = openHost(entry);
  const session = new Session({ input, output, handler: host.handler, log: host.log, limits: host.limits });
  host.onEvent((event) => session.announce(event));

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGBREAK'] as const) {
    process.on(signal, () => session.stop(new HostError('ABORTED', `The host was stopped (${signal}).`)));
  }
  // One request's fault must not take the others, nor the models in memory, with it.
  process.on('uncaughtException', (error) => host.log.error('process.uncaught', { error }));
  process.on('unhandledRejection', (error) => host.log.error('process.unhandled', { error }));

  const exitCode = await session.finished;
  await Promise.race([host.close(), new Promise((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref())]);
  process.exit(exitCode);
}

/** What the session needs of a host. */
interface OpenHost {
  readonly handler: SessionHandler;
  readonly log: Logger;
  readonly limits: HostLimits;
  onEvent(listener: (event: HostEvent) => void): void;
  close(): Promise<void>;
}

/** Makes the host. One that is configured wrongly still answers, with what is wrong: a browser shows no stderr. */
function openHost(entry: URL): OpenHost {
  try {
    const config = readConfig({ runnerEntry: entry });
    const host = new Host(config);
    return {
      handler: (message, context) => host.handle(message, { ...context, client: 'browser' }),
      log: host.log,
      limits: config.limits,
      onEvent: (listener) => host.onEvent(listener),
      close: () => host.close(),
    };
  } catch (error) {
    if (!isHostError(error)) throw error;
    return {
      handler: async (message) => errorReply(error, readHead(message)),
      log: createLogger({ file: devNull, debug: true }),
      limits: DEFAULT_LIMITS,
      onEvent: () => {},
      close: async () => {},
    };
  }
}
