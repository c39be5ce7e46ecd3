import { EXIT } from '../../common/exit-codes.ts';
import { type CommandContext, print } from '../context.ts';
import { printable } from '../terminal/text.ts';

/** `tabagent logout`. */
export async function run(context: CommandContext): Promise<number> {
  const { payload, message = '' } = await context.client.request('CLEAR_HF_TOKEN');
  print(context, payload, () => printable(`${message}.\n`));
  return EXIT.ok;
}
