import { care } from '../care.ts';
import type { CommandContext } from '../context.ts';

/** `tabagent repair`. */
export function run(context: CommandContext): Promise<number> {
  return care('REPAIR_MODEL', context);
}
