import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes } from '../../common/format.ts';
import { sum } from '../../common/sum.ts';
import { type CommandContext, print } from '../context.ts';
import { modelOrRepository, withModelHint } from '../model-argument.ts';
import { facts } from '../terminal/text.ts';

/** `tabagent fit`. Exits with 5 if the model needs more memory than is available. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client } = context;
  const [typed = ''] = input.args;
  const modelId = await modelOrRepository(typed, client);
  const request = client.request('RECOMMEND_SPLIT', { modelId, n_ctx: input.number('context') });
  const { payload: split } = await request.catch(async (error: unknown) => {
    throw await withModelHint(error, typed, client);
  });
  const { payload: machine } = await client.request('GET_SYSTEM_RESOURCES');
  const vram = sum(machine.gpus.map((gpu) => gpu.available_vram));
  print(context, { modelId, ...split, available_ram: machine.available_ram, available_vram: vram }, () =>
    facts([
      ['Model', modelId],
      ['Fits', split.fits ? 'yes' : 'no'],
      ['GPU layers', String(split.gpu_layers)],
      ['CPU layers', String(split.cpu_layers)],
      ['RAM', `${formatBytes(split.estimated_ram)} of ${formatBytes(machine.available_ram)} available`],
      ['VRAM', `${formatBytes(split.estimated_vram)} of ${formatBytes(vram)} available`],
      [
        'Speed',
        split.tokens_per_second === null
          ? split.performance_tier
          : `${split.performance_tier}, about ${split.tokens_per_second} tokens/s`,
      ],
      ['Details', split.reason],
    ]),
  );
  return split.fits ? EXIT.ok : EXIT.noSpace;
}
