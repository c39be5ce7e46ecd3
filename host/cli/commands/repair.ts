import type { CommandContext } from '../context.ts';
import { runVerification } from '../run-verification.ts';

/** `tabagent repair`. */
export function run(context: CommandContext): Promise<number> {
  return runVerification('REPAIR_MODEL', context);
}
