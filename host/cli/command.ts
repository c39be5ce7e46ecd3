import { type HostError, isHostError, isSystemError } from '../common/errors.ts';
import { readConfig } from '../config.ts';
import { Host } from '../host.ts';
import { Client } from './client.ts';
import { unknownCommand } from './commands/help.ts';
import type { CommandContext } from './context.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { helpOf, overview, usageOf } from './help.ts';
import { Interrupts } from './interrupts.ts';
import { tooOldNode } from './node-version.ts';
import { parseCommand } from './parse-command.ts';
import type { CommandSpec } from './spec.ts';
import { COMMANDS, commandOf } from './table.ts';
import { paint } from './terminal/styles.ts';
import { processTerminal, type Terminal } from './terminal/terminal.ts';
import { printable } from './terminal/text.ts';
import { UsageError } from './usage-error.ts';

/**
 * What a person who starts the host in a terminal gets. Ends the process with the exit code.
 *
 * @param entry The module this process was started with; runners are started with it, and a browser is told to.
 */
export async function runCommand(typed: readonly string[], entry: URL): Promise<number> {
  const terminal = processTerminal();
  const interrupts = new Interrupts();
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!isSystemError(error, 'EPIPE')) throw error;
      // Whoever reads has seen enough (`| head`): no fault, and nobody to tell.
      interrupts.stop(EXIT.ok, 'Nobody reads the output any more.');
    });
  }
  const old = tooOldNode(process.versions.node);
  if (old !== undefined) {
    terminal.stderr.write(`${old}\n`);
    return EXIT.failed;
  }
  const exitCode = await runTyped(typed, entry, terminal, interrupts);
  interrupts.release();
  await Promise.all([process.stdout, process.stderr].map(flushed));
  // What a fault left behind (a timer, a socket) must not keep the terminal waiting.
  process.exit(exitCode);
}

/** Resolves when all that was written has gone out, or nobody reads it. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.on('error', () => resolve());
    stream.write('', () => resolve());
  });
}

async function runTyped(
  [name, ...rest]: readonly string[],
  entry: URL,
  terminal: Terminal,
  interrupts: Interrupts,
): Promise<number> {
  if (name === undefined) {
    terminal.stderr.write(overview(COMMANDS));
    return EXIT.usage;
  }
  const command = commandOf(ALIASES[name] ?? name);
  if (command === undefined) return reportUsage(unknownCommand(name), '"tabagent help" lists them.', terminal);

  const client = new Client(() => openHost(entry), interrupts.signal);
  try {
    const input = parseCommand(command, rest);
    if (input.flag('help')) {
      terminal.stdout.write(helpOf(command));
      return EXIT.ok;
    }
    const { run } = await command.load();
    const context: CommandContext = { input, terminal, client, interrupts, entry };
    const exitCode = await run(context);
    return interrupts.exitCode ?? exitCode;
  } catch (error) {
    if (error instanceof UsageError) return reportUsage(error, howToUse(command), terminal);
    if (!isHostError(error)) throw error;
    if (interrupts.exitCode !== EXIT.ok) reportError(error, rest.includes('--json'), terminal);
    return interrupts.exitCode ?? exitCodeOf(error.code);
  } finally {
    await Promise.race([client.close(), new Promise((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref())]);
  }
}

/** Longest the host may take to close, milliseconds: a runner is killed well before. */
const CLOSE_TIMEOUT_MS = 5_000;

/** What people type out of habit. */
const ALIASES: Readonly<Record<string, string>> = {
  '--help': 'help',
  '-h': 'help',
  '--version': 'version',
  '-V': 'version',
  list: 'ls',
  remove: 'rm',
};

/** The host of this process, as a browser's would be configured. */
function openHost(entry: URL): Host {
  return new Host(readConfig({ runnerEntry: entry }));
}

function howToUse(command: CommandSpec): string {
  return `Usage: ${usageOf(command)}\n"tabagent help ${command.name}" says more.`;
}

function reportUsage(error: UsageError, hint: string, { stderr }: Terminal): number {
  stderr.write(`${printable(error.message)}\n${hint}\n`);
  return EXIT.usage;
}

/** Says why a command failed: on stderr, or with `--json` as the document on stdout. */
function reportError({ code, message, details }: HostError, json: boolean, { stdout, stderr, styled }: Terminal): void {
  if (json) stdout.write(`${JSON.stringify({ error: { code, message, ...(details && { details }) } }, null, 2)}\n`);
  else stderr.write(`${paint('Error:', 'red', styled.stderr)} ${printable(message)} (${code})\n`);
}
