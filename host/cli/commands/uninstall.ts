import type { CommandContext } from '../context.ts';
import { registrationIo } from '../registration-io.ts';
import { uninstall } from '../uninstall.ts';

/** `tabagent uninstall`. */
export async function run(context: CommandContext): Promise<number> {
  return uninstall(context.input, registrationIo(context));
}
