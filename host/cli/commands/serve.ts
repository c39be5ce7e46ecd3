import { EXIT } from '../../common/exit-codes.ts';
import { createLogger } from '../../common/log.ts';
import { whenAborted } from '../../common/when-aborted.ts';
import { readConfig } from '../../config.ts';
import { MAX_KEEP_ALIVE } from '../../protocol/limits.ts';
import { isOrigin } from '../../serve/access.ts';
import { openApiKey, replaceApiKey } from '../../serve/api-key.ts';
import { DEFAULT_PORT, isLoopback, startServer } from '../../serve/server.ts';
import type { CommandInput } from '../command-input.ts';
import type { CommandContext } from '../context.ts';
import { printLine } from '../context.ts';
import { installServe, uninstallServe } from '../serve-at-login.ts';
import { UsageError } from '../usage-error.ts';

/** Idle time after which a model that was loaded for a program is unloaded, seconds. */
const DEFAULT_KEEP_ALIVE = 1800;

/** The options of the command, checked. */
interface ServeOptions {
  readonly port: number;
  readonly address: string;
  readonly origins: readonly string[];
  readonly keepAlive: number;
}

/** `tabagent serve`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, terminal, client, interrupts, entry } = context;
  const only = ['show-key', 'new-key', 'install', 'uninstall'].filter((name) => input.flag(name));
  if (only.length > 1) throw new UsageError(`--${only.join(' and --')} cannot be combined.`);
  const options = readOptions(input);
  if (input.flag('install')) return installServe(context, wordsOf(input));
  if (input.flag('uninstall')) return uninstallServe(context);

  // The host refuses an unsafe data folder before a key is written there.
  await client.request('PING');
  const { paths, debug } = readConfig({ runnerEntry: entry, env: terminal.env });
  const key = await (input.flag('new-key') ? replaceApiKey(paths) : openApiKey(paths));
  if (input.flag('show-key') || input.flag('new-key')) {
    terminal.stdout.write(input.flag('json') ? `${JSON.stringify({ key })}\n` : `${key}\n`);
    return EXIT.ok;
  }

  const log = createLogger({ file: paths.logFile, debug });
  // An error in one request must not end the other requests, nor unload the models.
  process.on('uncaughtException', (error) => log.error('process.uncaught', { error }));
  process.on('unhandledRejection', (error) => log.error('process.unhandled', { error }));
  const server = await startServer({ ...options, client, key, log });
  await client.stay();
  const { url } = server;
  if (input.flag('json')) printLine(context, { url, key });
  else {
    terminal.stdout.write(`Serving models at ${url}/v1\n`);
    // What a service prints ends in a log, which has no keys.
    terminal.stderr.write('The key is printed by: tabagent serve --show-key\n');
  }
  await whenAborted(interrupts.signal);
  await server.close();
  return EXIT.ok;
}

function readOptions(input: CommandInput): ServeOptions {
  const port = input.number('port') ?? DEFAULT_PORT;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new UsageError(`Invalid value for --port: "${port}". Expected a whole number from 0 to 65535.`);
  }
  const keepAlive = input.number('keep-alive') ?? DEFAULT_KEEP_ALIVE;
  if (!Number.isInteger(keepAlive) || keepAlive < -1 || keepAlive > MAX_KEEP_ALIVE) {
    throw new UsageError(
      `Invalid value for --keep-alive: "${keepAlive}". Expected a whole number of seconds up to ${MAX_KEEP_ALIVE}, or -1.`,
    );
  }
  const typed = input.text('host') ?? '127.0.0.1';
  const address = typed === 'localhost' ? '127.0.0.1' : typed;
  if (!isLoopback(address)) {
    throw new UsageError(
      `Invalid value for --host: "${typed}". Expected an address that reaches only this computer, such as 127.0.0.1 or ::1.`,
    );
  }
  const origins = input.texts('allow-origin');
  const invalid = origins.find((origin) => !isOrigin(origin));
  if (invalid !== undefined) {
    throw new UsageError(
      `Invalid value for --allow-origin: "${invalid}". Expected an origin without a path, such as https://example.org.`,
    );
  }
  return { port, address, origins, keepAlive };
}

/** The options that a start at login repeats. */
const REPEATED = ['port', 'host', 'allow-origin', 'keep-alive'] as const;

function wordsOf(input: CommandInput): string[] {
  return REPEATED.flatMap((name) => input.texts(name).flatMap((value) => [`--${name}`, value]));
}
