import type { CommandContext } from '../context.ts';
import { care } from '../run-verification.ts';

/** `tabagent repair`. */
export function run(context: CommandContext): Promise<number> {
  return care('REPAIR_MODEL', context);
}
