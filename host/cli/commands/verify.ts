import type { CommandContext } from '../context.ts';
import { care } from '../run-verification.ts';

/** `tabagent verify`. */
export function run(context: CommandContext): Promise<number> {
  return care('VERIFY_MODEL', context);
}
