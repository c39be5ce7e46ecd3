import type { Client } from './client.ts';
import type { CommandInput } from './command-input.ts';
import type { Interrupts } from './interrupts.ts';
import type { Terminal } from './terminal/terminal.ts';
import { printable } from './terminal/text.ts';

/** What a command works with. */
export interface CommandContext {
  readonly input: CommandInput;
  readonly terminal: Terminal;
  readonly client: Client;
  readonly interrupts: Interrupts;
  /** The main module of this process, which browsers are registered to start. */
  readonly entry: URL;
}

/** Prints a result: as JSON with `--json`, otherwise as text. */
export function print({ input, terminal }: CommandContext, result: unknown, words: () => string): void {
  terminal.stdout.write(input.flag('json') ? `${JSON.stringify(result, null, 2)}\n` : words());
}

/** Prints one line of a stream of JSON documents. */
export function printLine({ terminal }: CommandContext, document: unknown): void {
  terminal.stdout.write(`${JSON.stringify(document)}\n`);
}

/** Prints the warning of a successful reply, if it has one. */
export function printWarning({ terminal }: CommandContext, warning: { readonly message: string } | undefined): void {
  if (warning !== undefined) terminal.stderr.write(printable(`Warning: ${warning.message}\n`));
}
