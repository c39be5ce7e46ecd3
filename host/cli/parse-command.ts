import { parseArgs } from 'node:util';
import { defined } from '../common/defined.ts';
import { CommandInput } from './command-input.ts';
import { type CommandSpec, type OptionSpec, optionsOf } from './spec.ts';
import { didYouMean } from './suggest.ts';
import { UsageError } from './usage-error.ts';

/** Parses a command's arguments and options. Throws {@link UsageError} for what the command table does not have. */
export function parseCommand(command: CommandSpec, typed: readonly string[]): CommandInput {
  const specs = optionsOf(command);
  const { tokens } = parseArgs({
    args: typed.map((word, at) => withoutValue(word, typed[at + 1], specs)),
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
  // A request for help is answered whatever else was typed.
  if (!values.has('help')) checkArguments(command, args);
  return new CommandInput(args, values);
}

/** Marks an option whose value is left out, which `parseArgs` would take from the next option. */
function withoutValue(word: string, next: string | undefined, specs: readonly OptionSpec[]): string {
  const isLeftOut = next === undefined || next.startsWith('-');
  return isLeftOut && specs.some(({ name, optionalValue }) => optionalValue === true && word === `--${name}`)
    ? `${word}=`
    : word;
}

function parseArgsOption({ value, short }: OptionSpec) {
  return { type: value === undefined ? 'boolean' : 'string', ...defined({ short }) } as const;
}

function unknownOption(rawName: string, specs: readonly OptionSpec[]): UsageError {
  const known = specs.map(({ name }) => `--${name}`);
  return new UsageError(`Unknown option: ${rawName}.${didYouMean(rawName, known)}`);
}

/** Returns the value of an option, `''` for a switch. */
function optionValue(
  spec: OptionSpec,
  token: { rawName: string; value: string | undefined; inlineValue?: boolean | undefined },
) {
  const { value, inlineValue } = token;
  if (spec.value === undefined) {
    if (value !== undefined) throw new UsageError(`${token.rawName} does not take a value, but "${value}" was given.`);
    return '';
  }
  if (value === '' && spec.optionalValue === true) return '';
  if (value === undefined || (inlineValue !== true && value.startsWith('--'))) {
    throw new UsageError(`${token.rawName} requires a value: ${token.rawName} ${spec.value}`);
  }
  return spec.choices === undefined ? value : oneOf(token.rawName, spec.choices, value);
}

function checkArguments(command: CommandSpec, args: string[]): void {
  for (const [place, spec] of command.args.entries()) {
    const given = args[place];
    if (given === undefined) {
      if (spec.optional !== true) throw new UsageError(`Missing argument ${spec.name}: ${spec.summary}.`);
    } else if (spec.choices !== undefined) args[place] = oneOf(spec.name, spec.choices, given);
  }
  const extra = args[command.args.length];
  if (extra !== undefined && command.args.at(-1)?.many !== true) {
    throw new UsageError(`Unexpected argument: "${extra}".`);
  }
}

/** Returns the choice that was typed, as the command table spells it. */
function oneOf(what: string, choices: readonly string[], typed: string): string {
  const found = choices.find((choice) => choice === typed.toLowerCase());
  if (found !== undefined) return found;
  throw new UsageError(
    `Invalid value for ${what}: "${typed}". Expected one of ${choices.join(', ')}.${didYouMean(typed, choices)}`,
  );
}
