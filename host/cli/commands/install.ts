import type { CommandContext } from '../context.ts';
import { install } from '../install.ts';
import { registrationIo } from '../registration-io.ts';

/** `tabagent install`. */
export async function run(context: CommandContext): Promise<number> {
  return install(context.input, registrationIo(context));
}
