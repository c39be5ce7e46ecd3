import { devNull } from 'node:os';
import type { ClientKind } from './actions/action.ts';
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

/** Time limit for closing the services after the last reply, in milliseconds. Killing a runner takes far less. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Exchanges frames with a browser over stdin and stdout until the input ends or the host is stopped, and then exits.
 * The exit code is 0, or 1 after an invalid frame or a refused caller.
 *
 * @param entry The file with which this process was started. Runners are started with it too.
 * @param caller The extension that the browser named; undefined if another program of the user started the host.
 */
export async function runNativeHost(entry: URL, caller: Caller | undefined): Promise<number> {
  const { input, output } = takeOverStdio();
  if (caller !== undefined && !isOwnExtension(caller)) {
    const { refuseUnlessAllowed } = await import('./configuration/refuse.ts');
    if (await refuseUnlessAllowed(caller, { input, output }, entry)) process.exit(1);
  }
  const client = caller === undefined || isOwnExtension(caller) ? 'browser' : 'otherExtension';
  const host = openHost(entry, client);
  const session = new Session({ input, output, handler: host.handler, log: host.log, limits: host.limits });
  host.onEvent((event) => session.announce(event));

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGBREAK'] as const) {
    process.on(signal, () => session.stop(new HostError('ABORTED', `The host was stopped (${signal}).`)));
  }
  // An error in one request must not end the other requests or unload the models.
  process.on('uncaughtException', (error) => host.log.error('process.uncaught', { error }));
  process.on('unhandledRejection', (error) => host.log.error('process.unhandled', { error }));

  const exitCode = await session.finished;
  await Promise.race([host.close(), new Promise((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref())]);
  process.exit(exitCode);
}

/** The parts of a host that the session uses. */
interface OpenHost {
  readonly handler: SessionHandler;
  readonly log: Logger;
  readonly limits: HostLimits;
  onEvent(listener: (event: HostEvent) => void): void;
  close(): Promise<void>;
}

/**
 * Creates the host. If its configuration is invalid, it replies to every request with the error, because browsers do
 * not show stderr.
 */
function openHost(entry: URL, client: ClientKind): OpenHost {
  try {
    const config = readConfig({ runnerEntry: entry });
    const host = new Host(config);
    return {
      handler: (message, context) => host.handle(message, { ...context, client }),
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
