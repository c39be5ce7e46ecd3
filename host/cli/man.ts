import { VERSION } from '../common/version.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';
import { inWords, optionUsage, usageOf } from './help.ts';
import { COMMON_OPTIONS, type CommandSpec } from './spec.ts';

/** The manual page `tabagent(1)`, in roff. It carries no date, so that the same sources make the same page. */
export function manPage(commands: readonly CommandSpec[]): string {
  return [
    `.TH TABAGENT 1 "" "TabAgent ${VERSION}" "User Commands"`,
    '.SH NAME',
    'tabagent \\- run language models on this machine, from the browser and from the terminal',
    '.SH SYNOPSIS',
    '.B tabagent',
    '.I COMMAND',
    '[\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]',
    '.SH DESCRIPTION',
    line(
      'A browser starts this program for its TabAgent extension and speaks native messaging with it. By hand it takes ' +
        'commands, which do the same work through the same actions. Results go to standard output, progress and errors ' +
        'to standard error.',
    ),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH OPTIONS OF EVERY COMMAND',
    ...COMMON_OPTIONS.flatMap((option) => item(optionUsage(option), inWords(option))),
    '.SH EXIT STATUS',
    ...Object.entries(EXIT_MEANINGS).flatMap(([code, meaning]) => item(code, meaning)),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(([name, meaning]) => item(name, meaning)),
    '',
  ].join('\n');
}

const ENVIRONMENT = [
  ['TABAGENT_HOME', 'folder that everything is written to'],
  ['HF_ENDPOINT', 'address of the hub; https://huggingface.co without it'],
  ['HF_TOKEN', 'token for gated and private repositories'],
  ['HF_HUB_OFFLINE', '1: ask no hub'],
  ['HTTPS_PROXY, NO_PROXY', 'as everywhere'],
  ['TABAGENT_GPU', 'off, cuda, vulkan or metal instead of the best one found'],
  ['NO_COLOR', 'when set: no colours'],
] as const;

function commandLines(command: CommandSpec): string[] {
  const { summary, details, args, options, examples } = command;
  return [
    `.SS ${line(usageOf(command))}`,
    line(`${summary}.${details === undefined ? '' : ` ${details.replaceAll('\n', ' ')}`}`),
    ...args.flatMap((arg) => item(arg.name, inWords(arg))),
    ...options.flatMap((option) => item(optionUsage(option), inWords(option))),
    '.PP',
    ...examples.flatMap(({ command: typed, does }) => item(typed, does)),
  ];
}

function item(term: string, meaning: string): string[] {
  return ['.TP', `\\fB${line(term)}\\fR`, line(meaning)];
}

/** Text as roff takes it literally: a backslash, a dash, and a full stop or quote at a line's beginning mean something. */
function line(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll('’', "'")
    .replace(/^([.'])/, '\\&$1');
}
