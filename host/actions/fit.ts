import { defined } from '../common/defined.ts';
import { invalidField } from '../common/host-errors.ts';
import { sum } from '../common/sum.ts';
import type { ByteSource, ModelShape } from '../gguf/model.ts';
import type { DemandSettings } from '../hardware/demand.ts';
import type { OffloadOption } from '../hardware/offload-options.ts';
import type { Split } from '../hardware/split.ts';
import { type TokenWork, workOf } from '../hardware/token-speed.ts';
import type { HardwareSnapshot } from '../hardware/types.ts';
import * as declared from '../protocol/actions/fit.ts';
import type { SavedModelSettings } from '../protocol/actions/model-settings.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import { type Call, handle } from './action.ts';
import { externalFiles } from './find-model.ts';
import { DEFAULTS } from './load-settings.ts';
import { hasModelReference } from './model-reference.ts';
import { resolveName } from './resolve-name.ts';

const MiB = 1024 * 1024;

/** A required amount in MiB, rounded up so that it suffices. */
const requiredMiB = (bytes: number) => Math.ceil(bytes / MiB);

/** An available amount in MiB, rounded down so that it exists. */
const availableMiB = (bytes: number) => Math.floor(bytes / MiB);

function describe({ strategy, gpuLayers, cpuLayers }: OffloadOption): string {
  if (strategy === 'full_vram') return `All ${gpuLayers} layers on the GPU`;
  if (strategy === 'full_ram') return `All ${cpuLayers} layers in main memory`;
  return `${gpuLayers} layers on the GPU, ${cpuLayers} in main memory`;
}

/** Reads the shape of a model from its header: on the disk or, if it is not downloaded, from the hub. */
async function shapeOf(name: ModelName, { services, signal }: Call): Promise<ModelShape> {
  const { readGgufHeader, inspectHeaders, inspectModel } = await import('../gguf/inspect.ts');
  const files = (await (await services.cache()).find(name))?.files ?? (await externalFiles(name, services, signal));
  if (files !== undefined) return (await inspectModel(files, { signal })).shape;

  const hub = await services.hub();
  const headerOf = async (file: string) => {
    const source: ByteSource = await hub.byteSource(name, file, { signal });
    try {
      return await readGgufHeader(source, { signal, file });
    } finally {
      await source.close();
    }
  };
  // One after the other: a name can claim a thousand files.
  const headers: Awaited<ReturnType<typeof headerOf>>[] = [];
  for (const file of shardFiles(name.file)) headers.push(await headerOf(file));
  return inspectHeaders(headers).shape;
}

/** Adds the number of sequences with which a load would be made that leaves it open. */
async function asLoaded(
  shape: ModelShape,
  settings: { readonly contextSize: number },
  snapshot: HardwareSnapshot,
): Promise<DemandSettings & { readonly contextSize: number }> {
  const [{ recommendSplit }, { chooseSequences }] = await Promise.all([
    import('../hardware/split.ts'),
    import('../hardware/sequences.ts'),
  ]);
  const { gpuLayers } = recommendSplit({ shape, ...settings, snapshot });
  return { ...settings, sequences: chooseSequences(shape, settings, { gpuLayers, snapshot }) };
}

export const estimateModelSize = handle(declared.estimateModelSize, async (request, call) => {
  const { services } = call;
  const name = await resolveName({ ...request, modelPath: request.modelPath ?? request.model_path }, call);
  const [shape, hardware, models, memoryBudget, { demandOf }, { checkFit }, split, { offloadOptions }] =
    await Promise.all([
      shapeOf(name, call),
      services.hardware(),
      services.models(),
      import('../hardware/memory-budget.ts'),
      import('../hardware/demand.ts'),
      import('../hardware/fit.ts'),
      import('../hardware/split.ts'),
      import('../hardware/offload-options.ts'),
    ]);
  const snapshot = memoryBudget.withoutMapped(await hardware.snapshot(), models.mappedBytes);
  const settings = await asLoaded(shape, { contextSize: split.chooseContextSize(shape, request.n_ctx) }, snapshot);
  const demand = demandOf(shape, settings);
  const blocks = shape.layerBytes.length;
  const options = offloadOptions(shape, settings, snapshot);
  const best = options[0]?.gpuLayers ?? split.recommendSplit({ shape, ...settings, snapshot }).gpuLayers;
  const { needed, available } = checkFit(demand, best, snapshot);
  const misfit = { shape, settings, gpuLayers: best, snapshot };
  const wouldFit = options.length > 0 ? [] : (await import('../hardware/would-fit.ts')).findAlternatives(misfit);
  const payload = {
    modelId: name.id,
    model_id: name.id,
    n_ctx: settings.contextSize,
    estimate: {
      total_size_mb: requiredMiB(needed.ram + needed.vram),
      vram_required_mb: requiredMiB(needed.vram),
      ram_required_mb: requiredMiB(needed.ram),
      layer_count: blocks,
      mb_per_layer: Math.round((sum(shape.layerBytes) / blocks / MiB) * 100) / 100,
    },
    available: { vram_mb: availableMiB(available.vram), ram_mb: availableMiB(available.ram) },
    can_load: options.length > 0,
    options: options.map((option) => ({
      strategy: option.strategy,
      vram_layers: option.gpuLayers,
      ram_layers: option.cpuLayers,
      vram_mb: requiredMiB(option.needed.vram),
      ram_mb: requiredMiB(option.needed.ram),
      speed: option.speed,
      description: describe(option),
    })),
    would_fit: wouldFit.map(({ note }) => note),
  };
  return { payload };
});

/** Returns the expected tokens per second with a split, rounded to tenths; null if this is not known. */
function speedOf(
  shape: ModelShape,
  { gpuLayers, cpuLayers }: Split,
  estimate: ((work: TokenWork) => number | null) | undefined,
): number | null {
  const gpuShare = gpuLayers / Math.max(1, gpuLayers + cpuLayers);
  const perSecond = estimate?.(workOf(shape, gpuShare)) ?? null;
  return perSecond === null ? null : Math.round(perSecond * 10) / 10;
}

/** Layers of a model if the request gives only its size: the original's default, and true of most 7B and 8B models. */
const DEFAULT_LAYERS = 32;

export const recommendSplit = handle(declared.recommendSplit, async (request, call) => {
  const [hardware, { recommendSplit, chooseContextSize }] = await Promise.all([
    call.services.hardware(),
    import('../hardware/split.ts'),
  ]);
  const { modelSize, totalLayers = DEFAULT_LAYERS, n_ctx } = request;
  if (modelSize === undefined && !hasModelReference(request)) {
    throw invalidField('modelSize', "the model's size in bytes, unless a model is given", undefined);
  }
  const snapshot = await hardware.snapshot();
  const name = modelSize === undefined ? await resolveName(request, call) : undefined;
  const shape = name === undefined ? undefined : await shapeOf(name, call);
  const speed = shape === undefined ? undefined : await (await call.services.speed()).estimator();
  const asked = shape && { contextSize: chooseContextSize(shape, n_ctx) };
  const model = asked && { shape, ...(await asLoaded(shape, asked, snapshot)) };
  const split =
    model === undefined
      ? recommendSplit({ modelSize: modelSize ?? 0, totalLayers, snapshot })
      : recommendSplit({ ...model, snapshot });
  return {
    payload: {
      ...defined({ modelId: name?.id }),
      gpu_layers: split.gpuLayers,
      cpu_layers: split.cpuLayers,
      estimated_vram: split.estimatedVram,
      estimated_ram: split.estimatedRam,
      performance_tier: split.tier,
      tokens_per_second: shape === undefined || !split.fits ? null : speedOf(shape, split, speed),
      fits: split.fits,
      reason: split.reason,
      ...(model && { settings: await defaultSettings(model, split, snapshot) }),
    },
  };
});

/** Returns the settings of a load for which no others are chosen. */
async function defaultSettings(
  { shape, contextSize, sequences = 1 }: DemandSettings & { readonly shape: ModelShape; readonly contextSize: number },
  { gpuLayers }: Split,
  snapshot: HardwareSnapshot,
): Promise<NonNullable<SavedModelSettings['load']>> {
  const [{ BATCH_TOKENS }, { usableGpus }, { threadRange }] = await Promise.all([
    import('../hardware/demand.ts'),
    import('../hardware/memory-budget.ts'),
    import('../hardware/threads.ts'),
  ]);
  return {
    n_ctx: contextSize,
    n_gpu_layers: gpuLayers,
    n_parallel: sequences,
    n_threads: threadRange(snapshot.cpu).most,
    n_batch: Math.min(BATCH_TOKENS, contextSize * sequences),
    flash_attn: shape.flashAttention,
    ...DEFAULTS,
    devices: usableGpus(snapshot).map(({ name }) => name),
    lora: [],
  };
}
