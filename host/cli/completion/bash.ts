import { ACTIONS } from '../../protocol/actions/index.ts';
import { type CommandSpec, optionsOf } from '../spec.ts';
import { wordsFor } from './words.ts';

/**
 * The completion script for bash 3.2 and later. Names of models never pass through `compgen -W`, which would expand
 * them: a file on a hub may be called `$(anything).gguf`.
 */
export function bashCompletion(commands: readonly CommandSpec[]): string {
  return `# bash completion for tabagent, printed by "tabagent completion bash".
_tabagent_models() {
  local word
  while IFS= read -r word; do
    [[ "$word" == "$1"* ]] && COMPREPLY+=("$(printf %q "$word")")
  done < <(tabagent ls --ids 2>/dev/null)
}
_tabagent_actions() {
  local word
  shopt -s nocasematch
  for word in ${[...ACTIONS.keys()].join(' ')}; do
    [[ "$word" == "$1"* ]] && COMPREPLY+=("$word")
  done
  shopt -u nocasematch
}
_tabagent() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  if [[ "$COMP_CWORD" -eq 1 ]]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')}" -- "$cur"))
    return
  fi
  case "\${COMP_WORDS[1]} $prev" in
${commands.flatMap(optionCases).join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${commands.map((command) => commandCase(command, commands)).join('\n')}
  esac
}
complete -F _tabagent tabagent
`;
}

function optionCases({ name, options }: CommandSpec): string[] {
  return options.flatMap((option) => {
    if (option.value === undefined) return [];
    const words = option.choices === undefined ? 'return' : `${reply(option.choices)}; return`;
    return [`    "${name} --${option.name}") ${words} ;;`];
  });
}

function commandCase(command: CommandSpec, commands: readonly CommandSpec[]): string {
  const options = optionsOf(command).map(({ name }) => `--${name}`);
  const completes = command.args.map((arg) => arg.completes);
  const words = [
    ...options,
    ...command.args.flatMap((arg) => (arg.completes === 'action' ? [] : wordsFor(arg, commands))),
  ];
  const lines = [reply(words)];
  if (completes.includes('action')) lines.push('_tabagent_actions "$cur"');
  if (completes.includes('model')) lines.push('_tabagent_models "$cur"');
  if (completes.includes('file') || completes.includes('folder')) lines.push('COMPREPLY+=($(compgen -f -- "$cur"))');
  return `    ${command.name}) ${lines.join('; ')} ;;`;
}

function reply(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$cur"))`;
}
