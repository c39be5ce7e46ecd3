import { type CommandSpec, type OptionSpec, optionsOf } from '../spec.ts';
import { wordsFor } from './words.ts';

/** The completion script for fish: to be put into `~/.config/fish/completions/tabagent.fish`, or sourced. */
export function fishCompletion(commands: readonly CommandSpec[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c tabagent -n __fish_use_subcommand -a ${command.name} -d ${quoted(command.summary)}`,
    ...optionsOf(command).map((option) => optionLine(command, option)),
    ...command.args.flatMap((arg) => {
      const when = `complete -c tabagent -n ${quoted(`__fish_seen_subcommand_from ${command.name}`)}`;
      if (arg.completes === 'model') return [`${when} -a '(tabagent ls --ids 2>/dev/null)'`];
      if (arg.completes === 'file' || arg.completes === 'folder') return [`${when} -F`];
      const words = wordsFor(arg, commands);
      return words.length === 0 ? [] : [`${when} -a ${quoted(words.join(' '))}`];
    }),
  ]);
  return `# fish completion for tabagent, printed by "tabagent completion fish".
complete -c tabagent -f
${lines.join('\n')}
`;
}

function optionLine(command: CommandSpec, { name, short, value, choices, summary }: OptionSpec): string {
  return [
    `complete -c tabagent -n ${quoted(`__fish_seen_subcommand_from ${command.name}`)} -l ${name}`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    ...(value === undefined ? [] : ['-x']),
    ...(choices === undefined ? [] : [`-a ${quoted(choices.join(' '))}`]),
    `-d ${quoted(summary)}`,
  ].join(' ');
}

/** One word of fish. */
function quoted(word: string): string {
  return `'${word.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
