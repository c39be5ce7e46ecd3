import { EXIT } from '../../common/exit-codes.ts';
import { VERSION } from '../../common/version.ts';
import { type CommandContext, print } from '../context.ts';

/** `tabagent version`. */
export async function run(context: CommandContext): Promise<number> {
  const { platform, arch, versions } = process;
  print(context, { version: VERSION, node: versions.node, platform, arch }, () => `${VERSION}\n`);
  return EXIT.ok;
}
