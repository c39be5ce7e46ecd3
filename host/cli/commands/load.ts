import { EXIT } from '../../common/exit-codes.ts';
import { withoutGaps } from '../client.ts';
import { type CommandContext, print } from '../context.ts';
import { loadModel } from '../load-model.ts';
import { printable } from '../terminal/text.ts';

/** `tabagent load`. */
export async function run(context: CommandContext): Promise<number> {
  const { input } = context;
  const [typed = ''] = input.args;
  const loaded = await loadModel(context, typed, {
    inServer: true,
    keepAlive: input.number('keep-alive') ?? -1,
    settings: withoutGaps({
      n_ctx: input.number('context'),
      n_gpu_layers: input.number('gpu-layers'),
      n_threads: input.number('threads'),
    }),
  });
  print(context, loaded, () =>
    printable(`${loaded.modelId} is loaded${loaded.alreadyLoaded ? ' already' : ''} (host ${loaded.host?.pid}).\n`),
  );
  return EXIT.ok;
}
