import { parseArgs } from 'node:util';
import { defined } from '../common/defined.ts';
import { parseSize } from '../common/parse-size.ts';
import { type CommandSpec, type OptionSpec, optionsOf } from './spec.ts';
import { didYouMean } from './suggest.ts';
import { UsageError } from './usage-error.ts';

/** What was typed after the command's name, checked against its table. */
export class CommandInput {
  /** The arguments, in order. */
  readonly args: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(args: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.args = args;
    this.#values = values;
  }

  /** Whether a switch was given. */
  flag(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value of an option; the last one counts. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  /** All values of an option that may be repeated. */
  texts(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The value of an option that is a size, such as `50GB`, in bytes. Throws `UsageError` for another one. */
  size(name: string): number | undefined {
    const text = this.text(name);
    const bytes = text === undefined ? undefined : parseSize(text);
    if (text !== undefined && bytes === undefined)
      throw new UsageError(`Expected --${name} to be a size such as 50GB, got "${text}".`);
    return bytes;
  }

  /** A value that must be a number. Its range is the action's to check. */
  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const number = Number(text);
    if (text.trim() !== '' && Number.isFinite(number)) return number;
    throw new UsageError(`Expected --${name} to be a number, got "${text}".`);
  }
}

/** Reads a command's arguments and options. Throws {@link UsageError} for what the table does not have. */
export function parseCommand(command: CommandSpec, typed: readonly string[]): CommandInput {
  const specs = optionsOf(command);
  const { tokens } = parseArgs({
    args: [...typed],
    options: Object.fromEntries(specs.map((spec) => [spec.name, parseArgsOption(spec)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const args: string[] = [];
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') args.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = specs.find(({ name }) => name === token.name);
    if (spec === undefined) throw unknownOption(token.rawName, specs);
    values.set(spec.name, [...(values.get(spec.name) ?? []), optionValue(spec, token)]);
  }
  // Who asks for help has not typed the rest wrong.
  if (!values.has('help')) checkArguments(command, args);
  return new CommandInput(args, values);
}

function parseArgsOption({ value, short }: OptionSpec) {
  return { type: value === undefined ? 'boolean' : 'string', ...defined({ short }) } as const;
}

function unknownOption(rawName: string, specs: readonly OptionSpec[]): UsageError {
  const known = specs.map(({ name }) => `--${name}`);
  return new UsageError(`Unknown option: ${rawName}.${didYouMean(rawName, known)}`);
}

/** The value an option was given, `''` for a switch. */
function optionValue(
  spec: OptionSpec,
  token: { rawName: string; value: string | undefined; inlineValue?: boolean | undefined },
) {
  const { value, inlineValue } = token;
  if (spec.value === undefined) {
    if (value !== undefined) throw new UsageError(`${token.rawName} takes no value, got "${value}".`);
    return '';
  }
  if (value === undefined || (inlineValue !== true && value.startsWith('--'))) {
    throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${spec.value}.`);
  }
  return spec.choices === undefined ? value : oneOf(`Expected ${token.rawName} to be`, spec.choices, value);
}

function checkArguments(command: CommandSpec, args: string[]): void {
  for (const [place, spec] of command.args.entries()) {
    const given = args[place];
    if (given === undefined) {
      if (spec.optional !== true) throw new UsageError(`${spec.name} is missing: ${spec.summary}.`);
    } else if (spec.choices !== undefined) args[place] = oneOf(`Expected ${spec.name} to be`, spec.choices, given);
  }
  const extra = args[command.args.length];
  if (extra !== undefined && command.args.at(-1)?.many !== true) {
    throw new UsageError(`"${extra}" is one argument too many.`);
  }
}

/** The choice that was typed, in the table's spelling. */
function oneOf(expected: string, choices: readonly string[], typed: string): string {
  const found = choices.find((choice) => choice === typed.toLowerCase());
  if (found !== undefined) return found;
  throw new UsageError(`${expected} one of ${choices.join(', ')}, got "${typed}".${didYouMean(typed, choices)}`);
}
