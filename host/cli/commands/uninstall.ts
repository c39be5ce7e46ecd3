import type { CommandContext } from '../context.ts';
import { registrationIo } from '../registration-io.ts';
import { removeLoginStart } from '../serve-at-login.ts';
import { uninstall } from '../uninstall.ts';

/** `tabagent uninstall`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, terminal } = context;
  const removed = input.flag('system') ? [] : await removeLoginStart(context);
  if (removed.length > 0) terminal.stderr.write('The server for programs no longer starts at login.\n');
  return uninstall(input, registrationIo(context));
}
