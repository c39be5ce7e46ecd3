import { EXIT } from '../../common/exit-codes.ts';
import { type CommandContext, print } from '../context.ts';
import { helpOf, overview } from '../help.ts';
import { optionsOf } from '../spec.ts';
import { didYouMean } from '../suggest.ts';
import { COMMANDS, commandOf } from '../table.ts';
import { UsageError } from '../usage-error.ts';

/** `tabagent help`. With `--json`: the table of commands. */
export async function run(context: CommandContext): Promise<number> {
  const [name] = context.input.args;
  const command = name === undefined ? undefined : commandOf(name);
  if (name !== undefined && command === undefined) throw unknownCommand(name);
  const shown = command === undefined ? COMMANDS : [command];
  const commands = shown.map((one) => {
    const { name, summary, args, examples } = one;
    return { name, summary, args, options: optionsOf(one), examples };
  });
  print(context, { commands }, () => (command === undefined ? overview(COMMANDS) : helpOf(command)));
  return EXIT.ok;
}

/** Returns the error for an unknown command, with similar names. */
export function unknownCommand(typed: string): UsageError {
  const known = COMMANDS.map(({ name }) => name);
  return new UsageError(`Unknown command: ${typed}.${didYouMean(typed, known)}`);
}
