import { care } from '../care.ts';
import type { CommandContext } from '../context.ts';

/** `tabagent verify`. */
export function run(context: CommandContext): Promise<number> {
  return care('VERIFY_MODEL', context);
}
