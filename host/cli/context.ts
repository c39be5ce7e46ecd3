import type { Client } from './client.ts';
import type { Interrupts } from './interrupts.ts';
import type { CommandInput } from './parse-command.ts';
import type { Terminal } from './terminal/terminal.ts';

/** What a command is given. */
export interface CommandContext {
  readonly input: CommandInput;
  readonly terminal: Terminal;
  readonly client: Client;
  readonly interrupts: Interrupts;
  /** The module this process was started with; a browser is told to start the same. */
  readonly entry: URL;
}

/** Prints a result: as JSON with `--json`, otherwise in words. */
export function print({ input, terminal }: CommandContext, result: unknown, words: () => string): void {
  terminal.stdout.write(input.flag('json') ? `${JSON.stringify(result, null, 2)}\n` : words());
}

/** Prints one line of a stream of JSON documents. */
export function printLine({ terminal }: CommandContext, document: unknown): void {
  terminal.stdout.write(`${JSON.stringify(document)}\n`);
}
