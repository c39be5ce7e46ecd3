import type { CommandContext } from '../context.ts';
import { runVerification } from '../run-verification.ts';

/** `tabagent verify`. */
export function run(context: CommandContext): Promise<number> {
  return runVerification('VERIFY_MODEL', context);
}
