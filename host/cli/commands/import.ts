import { resolve } from 'node:path';
import { EXIT } from '../../common/exit-codes.ts';
import { type CommandContext, print } from '../context.ts';
import { printable } from '../terminal/text.ts';

/** `tabagent import`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client } = context;
  const [file = ''] = input.args;
  const { payload, message } = await client.request('IMPORT_MODEL', { path: resolve(file) });
  print(context, payload, () => printable(`${message}\n`));
  return EXIT.ok;
}
