import { EXIT_MEANINGS } from '../common/exit-codes.ts';
import { VERSION } from '../common/version.ts';
import { type ArgumentSpec, type CommandSpec, type OptionSpec, optionsOf } from './spec.ts';
import { table } from './terminal/text.ts';

/** What `tabagent help` prints. */
export function overview(commands: readonly CommandSpec[]): string {
  return `TabAgent host ${VERSION}

Runs language models on this computer, for the TabAgent browser extension and in
the terminal. The browser starts this program automatically. To use it yourself,
run one of these commands:

${indented(commands.map(({ name, summary }) => [name, summary]))}
Run "tabagent help COMMAND" for details and examples.
Run "tabagent install" to register the host with the browsers on this computer.
`;
}

/** What `tabagent help COMMAND` and `tabagent COMMAND --help` print. */
export function helpOf(command: CommandSpec): string {
  const { summary, details, args, examples } = command;
  return [
    `Usage: ${usageOf(command)}\n`,
    `${summary}.\n`,
    ...(details === undefined ? [] : [`${details}\n`]),
    ...(args.length === 0 ? [] : [`Arguments:\n${indented(args.map((arg) => [arg.name, summaryOf(arg)]))}`]),
    `Options:\n${indented(optionsOf(command).map((option) => [optionUsage(option), summaryOf(option)]))}`,
    `Examples:\n${indented(examples.map(({ command: typed, does }) => [typed, does]))}`,
    `Exit codes:\n${indented(Object.entries(EXIT_MEANINGS))}`,
  ].join('\n');
}

/** `tabagent pull MODEL [options]`. */
export function usageOf({ name, args, options }: CommandSpec): string {
  return ['tabagent', name, ...args.map(argumentUsage), ...(options.length > 0 ? ['[options]'] : [])].join(' ');
}

function argumentUsage({ name, optional, many }: ArgumentSpec): string {
  const repeated = many === true ? `${name} …` : name;
  return optional === true ? `[${repeated}]` : repeated;
}

/** `--browser NAME`, `-h, --help`. */
export function optionUsage({ name, short, value }: OptionSpec): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

/** Returns the summary of an argument or option, with its choices. The usage line shows which arguments may be repeated. */
export function summaryOf(spec: ArgumentSpec | OptionSpec): string {
  const { summary, choices, many } = spec;
  const words = choices === undefined ? summary : `${summary}: ${choices.join(', ')}`;
  return many === true && 'value' in spec ? `${words}; may be repeated` : words;
}

function indented(rows: readonly (readonly [string, string])[]): string {
  return table(rows)
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
}
