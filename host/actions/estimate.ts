import { sum } from '../common/sum.ts';
import type { OffloadOption } from '../hardware/offload-options.ts';
import type { Actions } from './action.ts';
import { resolveName } from './resolve-name.ts';
import { shapeOf } from './shape-of.ts';

const MiB = 1024 * 1024;

/** Rounded up: what is asked for should be enough. */
const needing = (bytes: number) => Math.ceil(bytes / MiB);
const having = (bytes: number) => Math.floor(bytes / MiB);

function inWords({ strategy, gpuLayers, cpuLayers }: OffloadOption): string {
  if (strategy === 'full_vram') return `All ${gpuLayers} layers on the GPU`;
  if (strategy === 'full_ram') return `All ${cpuLayers} layers in main memory`;
  return `${gpuLayers} layers on the GPU, ${cpuLayers} in main memory`;
}

export const actions: Actions<'ESTIMATE_MODEL_SIZE'> = {
  async ESTIMATE_MODEL_SIZE(request, call) {
    const { services } = call;
    const name = await resolveName({ ...request, modelPath: request.modelPath ?? request.model_path }, call);
    const [shape, hardware, models, rooms, { demandOf }, { fitOf }, split, { offloadOptions }] = await Promise.all([
      shapeOf(name, call),
      services.hardware(),
      services.models(),
      import('../hardware/memory-budget.ts'),
      import('../hardware/demand.ts'),
      import('../hardware/fit.ts'),
      import('../hardware/split.ts'),
      import('../hardware/offload-options.ts'),
    ]);
    const snapshot = rooms.withoutMapped(await hardware.snapshot(), models.mappedBytes);
    const settings = { contextSize: split.chooseContextSize(shape, request.n_ctx) };
    const demand = demandOf(shape, settings);
    const blocks = shape.layerBytes.length;
    const options = offloadOptions(shape, settings, snapshot);
    const best = options[0]?.gpuLayers ?? split.recommendSplit({ shape, ...settings, snapshot }).gpuLayers;
    const { needed, available } = fitOf(demand, best, snapshot);
    const misfit = { shape, settings, gpuLayers: best, snapshot };
    const wouldFit = options.length > 0 ? [] : (await import('../hardware/would-fit.ts')).whatWouldFit(misfit);
    const payload = {
      model_id: name.id,
      n_ctx: settings.contextSize,
      estimate: {
        total_size_mb: needing(needed.ram + needed.vram),
        vram_required_mb: needing(needed.vram),
        ram_required_mb: needing(needed.ram),
        layer_count: blocks,
        mb_per_layer: Math.round((sum(shape.layerBytes) / blocks / MiB) * 100) / 100,
      },
      available: { vram_mb: having(available.vram), ram_mb: having(available.ram) },
      can_load: options.length > 0,
      options: options.map((option) => ({
        strategy: option.strategy,
        vram_layers: option.gpuLayers,
        ram_layers: option.cpuLayers,
        vram_mb: needing(option.needed.vram),
        ram_mb: needing(option.needed.ram),
        speed: option.speed,
        description: inWords(option),
      })),
      would_fit: wouldFit.map(({ note }) => note),
    };
    return { payload, topLevel: payload };
  },
};
