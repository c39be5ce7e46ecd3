import { defined } from '../common/defined.ts';
import { type HostError, isHostError, isSystemError } from '../common/errors.ts';
import { EXIT, exitCodeOf } from '../common/exit-codes.ts';
import { tooOldNode } from '../common/node-version.ts';
import { readConfig } from '../config.ts';
import { Host } from '../host.ts';
import { Client } from './client.ts';
import { unknownCommand } from './commands/help.ts';
import type { CommandContext } from './context.ts';
import { helpOf, overview, usageOf } from './help.ts';
import { Interrupts } from './interrupts.ts';
import { parseCommand } from './parse-command.ts';
import { remedyFor } from './remedies.ts';
import { COMMON_OPTIONS, type CommandSpec } from './spec.ts';
import { COMMANDS, commandOf } from './table.ts';
import { paint } from './terminal/styles.ts';
import { processTerminal, type Terminal } from './terminal/terminal.ts';
import { printable } from './terminal/text.ts';
import { UsageError } from './usage-error.ts';

/**
 * Runs a command of the command line, and ends the process with its exit code.
 *
 * @param entry The main module of this process, which runners, and browsers, start the host with.
 */
export async function runCommand(typed: readonly string[], entry: URL): Promise<number> {
  const terminal = processTerminal();
  const interrupts = new Interrupts();
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!isSystemError(error, 'EPIPE')) throw error;
      // The reader has closed the pipe (`| head`), which is not an error.
      interrupts.stop(EXIT.ok, 'The output was closed.');
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
  // A timer or socket that an error left open must not keep the process running.
  process.exit(exitCode);
}

/** Resolves when everything written has been sent, or the stream is closed. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.on('error', () => resolve());
    stream.write('', () => resolve());
  });
}

async function runTyped(
  typed: readonly string[],
  entry: URL,
  terminal: Terminal,
  interrupts: Interrupts,
): Promise<number> {
  const [name, ...rest] = commandFirst(typed);
  if (name === undefined) {
    terminal.stderr.write(overview(COMMANDS));
    return EXIT.usage;
  }
  const command = commandOf(ALIASES[name] ?? name);
  if (command === undefined) {
    const error = name.startsWith('-') ? new UsageError(`Unknown option: ${name}.`) : unknownCommand(name);
    return reportUsage(error, 'Run "tabagent help" for a list of commands.', terminal);
  }

  const client = new Client(() => openHost(entry, `tabagent ${command.name}`), interrupts.signal);
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

/** Moves the options that every command has behind the command: `tabagent --json ls` is `tabagent ls --json`. */
function commandFirst(typed: readonly string[]): readonly string[] {
  const isCommon = (word: string) =>
    COMMON_OPTIONS.some(({ name, short }) => word === `--${name}` || word === `-${short}`);
  const at = typed.findIndex((word) => !isCommon(word));
  if (at >= 0) return [...typed.slice(at, at + 1), ...typed.slice(0, at), ...typed.slice(at + 1)];
  const asksForHelp = typed.some((word) => word === '--help' || word === '-h');
  return asksForHelp ? ['help', ...typed.filter((word) => word === '--json')] : [];
}

/** Longest the host may take to close, milliseconds: a runner is killed well before. */
const CLOSE_TIMEOUT_MS = 5_000;

/** Other names of commands, as other programs have them. */
const ALIASES: Readonly<Record<string, string>> = {
  '--version': 'version',
  '-V': 'version',
  '-v': 'version',
  conversations: 'chat',
  list: 'ls',
  remove: 'rm',
};

/** Opens a host in this process, configured as a browser's. */
function openHost(entry: URL, program: string): Host {
  return new Host(readConfig({ runnerEntry: entry }), program);
}

function howToUse(command: CommandSpec): string {
  return `Usage: ${usageOf(command)}\nRun "tabagent help ${command.name}" for details.`;
}

function reportUsage(error: UsageError, hint: string, { stderr }: Terminal): number {
  stderr.write(`${printable(error.message)}\n${hint}\n`);
  return EXIT.usage;
}

/** Reports why a command failed, and what to do: on stderr, or with `--json` as the document on stdout. */
function reportError(error: HostError, json: boolean, { stdout, stderr, styled }: Terminal): void {
  const { code, message, details } = error;
  const remedy = remedyFor(error);
  if (json) stdout.write(`${JSON.stringify({ error: { code, message, ...defined({ details, remedy }) } }, null, 2)}\n`);
  else if (code === 'ABORTED') stderr.write(`${printable(message)}\n`);
  else stderr.write(`${paint('Error:', 'red', styled.stderr)} ${printable(message)} (${code})\n`);
  if (!json && remedy !== undefined) stderr.write(`${remedy}\n`);
}
