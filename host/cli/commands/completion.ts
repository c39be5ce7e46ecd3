import { EXIT } from '../../common/exit-codes.ts';
import { COMPLETIONS } from '../completion/shells.ts';
import { type CommandContext, print } from '../context.ts';
import { COMMANDS } from '../table.ts';

/** `tabagent completion`. */
export async function run(context: CommandContext): Promise<number> {
  const [shell = ''] = context.input.args;
  const script = COMPLETIONS[shell]?.(COMMANDS) ?? '';
  print(context, { shell, script }, () => script);
  return EXIT.ok;
}
