import { EXIT_MEANINGS } from '../common/exit-codes.ts';
import { VERSION } from '../common/version.ts';
import { optionUsage, summaryOf, usageOf } from './help.ts';
import { COMMON_OPTIONS, type CommandSpec } from './spec.ts';

/** The manual page `tabagent(1)`, in roff. It carries no date, so that the same sources make the same page. */
export function manPage(commands: readonly CommandSpec[]): string {
  return [
    `.TH TABAGENT 1 "" "TabAgent ${VERSION}" "User Commands"`,
    '.SH NAME',
    'tabagent \\- run language models locally, from the browser and the terminal',
    '.SH SYNOPSIS',
    '.B tabagent',
    '.I COMMAND',
    '[\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]',
    '.SH DESCRIPTION',
    line(
      'Runs language models on this computer. The browser starts this program for the TabAgent extension and communicates ' +
        'with it through native messaging; the commands below give access to the same actions. Results are written to ' +
        'standard output, progress and errors to standard error.',
    ),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH COMMON OPTIONS',
    ...COMMON_OPTIONS.flatMap((option) => item(optionUsage(option), summaryOf(option))),
    '.SH EXIT STATUS',
    ...Object.entries(EXIT_MEANINGS).flatMap(([code, meaning]) => item(code, meaning)),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(([name, meaning]) => item(name, meaning)),
    '',
  ].join('\n');
}

const ENVIRONMENT = [
  ['TABAGENT_HOME', 'data folder for models, settings, conversations and logs'],
  ['HF_ENDPOINT', 'Hugging Face endpoint (default: https://huggingface.co)'],
  ['HF_TOKEN', 'Hugging Face access token, for gated and private repositories'],
  ['HF_HUB_OFFLINE', 'set to 1 to work offline'],
  ['HTTPS_PROXY, NO_PROXY', 'proxy settings, with the usual meaning'],
  ['TABAGENT_SANDBOX', 'off: run models without a sandbox'],
  ['TABAGENT_GPU', 'GPU backend: off, cuda, vulkan or metal (default: the best one found)'],
  ['TABAGENT_SPEED_TEST', 'off: do not measure the speed of this computer'],
  ['NO_COLOR', 'when set, disables colors'],
] as const;

function commandLines(command: CommandSpec): string[] {
  const { summary, details, args, options, examples } = command;
  return [
    `.SS ${line(usageOf(command))}`,
    line(`${summary}.`),
    ...(details === undefined ? [] : detailLines(details)),
    ...args.flatMap((arg) => item(arg.name, summaryOf(arg))),
    ...options.flatMap((option) => item(optionUsage(option), summaryOf(option))),
    '.PP',
    ...examples.flatMap(({ command: typed, does }) => item(typed, does)),
  ];
}

/** Fills paragraphs, and keeps the lines of an indented list. */
function detailLines(details: string): string[] {
  return details.split('\n').flatMap((text) => {
    if (text === '') return ['.PP'];
    return text.startsWith('  ') ? ['.br', line(text.trim())] : [line(text)];
  });
}

function item(term: string, meaning: string): string[] {
  return ['.TP', `\\fB${line(term)}\\fR`, line(meaning)];
}

/** Escapes a text for roff: backslashes, dashes, and a full stop or quote at the start of a line have a meaning. */
function line(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll('’', "'")
    .replace(/^([.'])/, '\\&$1');
}
