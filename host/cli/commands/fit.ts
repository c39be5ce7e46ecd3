import { type CommandContext, print } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { modelOrRepository, withModelHint } from '../model-argument.ts';
import { facts, formatSize } from '../terminal/text.ts';

/** `tabagent fit`. Exits with "no room" when the model needs more memory than there is. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client } = context;
  const [typed = ''] = input.args;
  const modelId = await modelOrRepository(typed, client);
  const request = client.request('RECOMMEND_SPLIT', { modelId, n_ctx: input.number('context') });
  const { payload: split } = await request.catch(async (error: unknown) => {
    throw await withModelHint(error, typed, client);
  });
  const { payload: machine } = await client.request('GET_SYSTEM_RESOURCES');
  const vram = machine.gpus.reduce((sum, gpu) => sum + gpu.available_vram, 0);
  print(context, { modelId, ...split, available_ram: machine.available_ram, available_vram: vram }, () =>
    facts([
      ['Model', modelId],
      ['Fits', split.fits ? 'yes' : 'no'],
      ['GPU layers', String(split.gpu_layers)],
      ['CPU layers', String(split.cpu_layers)],
      ['RAM', `${formatSize(split.estimated_ram)} of ${formatSize(machine.available_ram)} available`],
      ['VRAM', `${formatSize(split.estimated_vram)} of ${formatSize(vram)} available`],
      ['Speed', split.performance_tier],
      ['Why', split.reason],
    ]),
  );
  return split.fits ? EXIT.ok : EXIT.noRoom;
}
