import { ACTIONS } from '../../protocol/actions/index.ts';
import { type ArgumentSpec, type CommandSpec, type OptionSpec, optionsOf } from '../spec.ts';
import { wordsFor } from './words.ts';

/** The completion script for zsh: to be put into a folder of `fpath` as `_tabagent`, or evaluated. */
export function zshCompletion(commands: readonly CommandSpec[]): string {
  return `#compdef tabagent
# zsh completion for tabagent, printed by "tabagent completion zsh".
_tabagent_models() {
  local -a models
  models=("\${(@f)$(tabagent ls --ids 2>/dev/null)}")
  compadd -a models
}
_tabagent_actions() {
  local -a actions=(${[...ACTIONS.keys()].join(' ')})
  compadd -M 'm:{a-z}={A-Z}' -a actions
}
_tabagent() {
  if (( CURRENT == 2 )); then
    local -a commands=(
${commands.map(({ name, summary }) => `      ${quoted(`${name}:${summary}`)}`).join('\n')}
    )
    _describe command commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
${commands.map((command) => `    ${command.name}) _arguments ${argumentsOf(command, commands)} ;;`).join('\n')}
  esac
}
if [[ "$funcstack[1]" == _tabagent ]]; then _tabagent "$@"; else compdef _tabagent tabagent; fi
`;
}

function argumentsOf(command: CommandSpec, commands: readonly CommandSpec[]): string {
  const args = command.args.map((arg) =>
    quoted(`${arg.many === true ? '*' : ''}:${arg.name}:${actionOf(arg, commands)}`),
  );
  return [...optionsOf(command).map(optionOf), ...args].join(' ');
}

function optionOf({ name, value, choices, many, summary }: OptionSpec): string {
  const head = `${many === true ? '*' : ''}--${name}[${summary.replace(/[[\]:]/g, ' ')}]`;
  if (value === undefined) return quoted(head);
  return quoted(`${head}:${value}:${choices === undefined ? ' ' : `(${choices.join(' ')})`}`);
}

function actionOf(arg: ArgumentSpec, commands: readonly CommandSpec[]): string {
  if (arg.completes === 'model') return '_tabagent_models';
  if (arg.completes === 'action') return '_tabagent_actions';
  if (arg.completes === 'file') return '_files';
  if (arg.completes === 'folder') return '_files -/';
  const words = wordsFor(arg, commands);
  return words.length === 0 ? ' ' : `(${words.join(' ')})`;
}

/** One word of zsh. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
