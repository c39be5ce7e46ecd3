import type { ActionName } from '../protocol/messages.ts';
import type { CommandContext } from './context.ts';

/** What an argument is, for shell completion. */
export type Completes = 'model' | 'file' | 'folder' | 'action' | 'command';

/** A positional argument. */
export interface ArgumentSpec {
  /** As in the usage line, in upper case. */
  readonly name: string;
  readonly summary: string;
  readonly optional?: boolean;
  /** The last argument may be repeated. */
  readonly many?: boolean;
  /** The allowed words. */
  readonly choices?: readonly string[];
  readonly completes?: Completes;
}

/** An option. Without `value` it is a switch. */
export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** The name of its value, in upper case. */
  readonly value?: string;
  /** The allowed values. */
  readonly choices?: readonly string[];
  readonly many?: boolean;
  /** The value may be left out; then it is `''`. */
  readonly optionalValue?: boolean;
  readonly summary: string;
  readonly completes?: Completes;
}

/** A command line, and what it does. */
export interface Example {
  readonly command: string;
  readonly does: string;
}

/** Runs a command. Resolves with the exit code; throws a `HostError` or a {@link UsageError}. */
export type CommandRun = (context: CommandContext) => Promise<number>;

/** A command. Help, completions, the man page and suggestions are made from this. */
export interface CommandSpec {
  readonly name: string;
  /** One line that starts with a verb, without a full stop and without a colon, which completion scripts split at. */
  readonly summary: string;
  /** More about it, for its help. */
  readonly details?: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly Example[];
  /** The actions it calls: what the browser extension sends for the same task. */
  readonly actions: readonly ActionName[];
  readonly load: () => Promise<{ readonly run: CommandRun }>;
}

/** Options that all commands have. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { name: 'json', summary: 'print the result as JSON' },
  { name: 'help', short: 'h', summary: 'show this help' },
];

/** Returns all options of a command, the common ones last. */
export function optionsOf(command: CommandSpec): readonly OptionSpec[] {
  return [...command.options, ...COMMON_OPTIONS];
}
