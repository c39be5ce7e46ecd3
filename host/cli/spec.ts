import type { ActionName } from '../protocol/actions/requests.ts';
import type { CommandContext } from './context.ts';

/** What an argument or a value is, for a shell that completes it. */
export type Completes = 'model' | 'file' | 'folder' | 'action' | 'command';

/** An argument by its place. */
export interface ArgumentSpec {
  /** As the usage line has it, in upper case. */
  readonly name: string;
  readonly summary: string;
  readonly optional?: boolean;
  /** The last argument may be repeated. */
  readonly many?: boolean;
  /** The only words it may be. */
  readonly choices?: readonly string[];
  readonly completes?: Completes;
}

/** An option. Without `value` it is a switch. */
export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** What its value is, in upper case. */
  readonly value?: string;
  /** The only words its value may be. */
  readonly choices?: readonly string[];
  readonly many?: boolean;
  readonly summary: string;
  readonly completes?: Completes;
}

/** A command as someone would type it, and what it does. */
export interface Example {
  readonly command: string;
  readonly does: string;
}

/** What carries a command out. Resolves with the exit code; throws a `HostError` or a {@link UsageError}. */
export type CommandRun = (context: CommandContext) => Promise<number>;

/** One command: help, completions, the man page and suggestions are all made from this. */
export interface CommandSpec {
  readonly name: string;
  /** One line, beginning with a verb, without a full stop. */
  readonly summary: string;
  /** Paragraphs of more, for its own help. */
  readonly details?: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly Example[];
  /** The actions it may call: what a browser's extension would send for the same. */
  readonly actions: readonly ActionName[];
  readonly load: () => Promise<{ readonly run: CommandRun }>;
}

/** Options every command has. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { name: 'json', summary: 'print the result as JSON' },
  { name: 'help', short: 'h', summary: 'print this' },
];

/** All options of a command, those of every command last. */
export function optionsOf(command: CommandSpec): readonly OptionSpec[] {
  return [...command.options, ...COMMON_OPTIONS];
}
