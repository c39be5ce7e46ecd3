import { EXIT } from '../../common/exit-codes.ts';
import { type CommandContext, print } from '../context.ts';
import { loadModel, loadSettingsOf } from '../load-model.ts';
import { printable } from '../terminal/text.ts';

/** `tabagent load`. */
export async function run(context: CommandContext): Promise<number> {
  const { input } = context;
  const [typed = ''] = input.args;
  const loaded = await loadModel(context, typed, {
    inServer: true,
    keepAlive: input.number('keep-alive') ?? -1,
    settings: await loadSettingsOf(context),
  });
  const { modelId, alreadyLoaded, host } = loaded;
  const program = `${host?.program ?? 'another program'} (process ${host?.pid})`;
  print(context, loaded, () => printable(`${modelId} is ${alreadyLoaded ? 'already ' : ''}loaded in ${program}.\n`));
  return EXIT.ok;
}
