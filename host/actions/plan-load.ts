import { defined } from '../common/defined.ts';
import { HostError } from '../common/errors.ts';
import { formatBytes } from '../common/format.ts';
import { invalidField } from '../common/host-errors.ts';
import { sum } from '../common/sum.ts';
import type { LoadedAdapter, LoadSettings } from '../engine/ipc.ts';
import type { ModelShape } from '../gguf/model.ts';
import type { Fit, MemoryAmount } from '../hardware/fit.ts';
import type { GpuInfo, HardwareSnapshot } from '../hardware/types.ts';
import type { Alternative } from '../hardware/would-fit.ts';
import type { LoadedModel } from '../models/model-engine.ts';
import type { RequestOf } from '../protocol/messages.ts';
import type { Services } from '../services.ts';
import { chosenSettings } from './load-settings.ts';

/** A requested load of a model. */
interface PlannedLoad {
  readonly id: string;
  readonly request: RequestOf<'LOAD_MODEL'>;
  /** Including what the adapters add. */
  readonly shape: ModelShape;
  readonly adapters: readonly LoadedAdapter[];
  readonly draft?: PlannedDraft | undefined;
  /** The loaded model that this load is to replace: it counts as unloaded, and no other model is unloaded. */
  readonly replaces?: LoadedModel;
}

/** The draft model of a load. */
interface PlannedDraft {
  readonly id: string;
  readonly files: readonly string[];
  readonly shape: ModelShape;
}

/**
 * Chooses the settings that a request leaves open, and makes sure that there is memory for the load. Settings of the
 * request are used as they are. Where the load does not fit, idle models are unloaded for it, in the order of
 * `evictionCandidates`; but none where all of them together would not be enough.
 *
 * @throws HostError `INSUFFICIENT_MEMORY` with figures and what would fit, unless the request says `force`;
 * `INVALID_REQUEST` for a cache type that the model cannot have.
 */
export async function planLoad(
  { id, request, shape, adapters, draft, replaces }: PlannedLoad,
  services: Pick<Services, 'hardware' | 'models' | 'engine'>,
): Promise<LoadSettings> {
  const [
    hardware,
    models,
    { usesGpu },
    budget,
    { checkFit },
    { demandOf, memoryFor },
    split,
    { threadRange },
    { chooseSequences },
  ] = await Promise.all([
    services.hardware(),
    services.models(),
    services.engine(),
    import('../hardware/memory-budget.ts'),
    import('../hardware/fit.ts'),
    import('../hardware/demand.ts'),
    import('../hardware/split.ts'),
    import('../hardware/threads.ts'),
    import('../hardware/sequences.ts'),
  ]);
  const asked = chosenSettings(request);
  await assertCacheTypes(asked, shape);
  const settings = {
    contextSize: split.chooseContextSize(shape, asked.n_ctx),
    ...defined({ sequences: asked.n_parallel, batchSize: asked.n_batch }),
    ...defined({ cacheTypeK: asked.cache_type_k, cacheTypeV: asked.cache_type_v, flashAttention: asked.flash_attn }),
  };
  const demand = demandOf(shape, settings);
  const blocks = shape.layerBytes.length;
  let devices: readonly number[] | undefined;
  const usableNow = async (): Promise<HardwareSnapshot> => {
    const current = budget.withoutMapped(await hardware.snapshot(), models.mappedBytes);
    const snapshot = replaces === undefined ? current : budget.withFreed(current, freedBy([replaces]));
    if (asked.devices === undefined) return usesGpu ? snapshot : { ...snapshot, gpus: [] };
    const gpus = usesGpu ? snapshot.gpus.filter(({ backend }) => backend != null) : [];
    devices = positionsOf(asked.devices, gpus);
    return { ...snapshot, gpus: devices.flatMap((position) => gpus[position] ?? []) };
  };
  // A draft saves time only if it is made quickly, so its model comes first.
  let draftLayers = 0;
  const snapshotNow = async (): Promise<HardwareSnapshot> => {
    const snapshot = await usableNow();
    if (draft === undefined) return snapshot;
    const draftDemand = demandOf(draft.shape, { ...settings, sequences: 1 });
    const layers = draft.shape.layerBytes.length;
    const isOnGpu = asked.n_gpu_layers !== 0 && checkFit(draftDemand, layers, snapshot).fits;
    draftLayers = isOnGpu && budget.usableGpus(snapshot).length > 0 ? layers : 0;
    const { ram, vram } = memoryFor(draftDemand, draftLayers, 1);
    const inRam = ram + (budget.usableGpus(snapshot).some((gpu) => gpu.sharedMemory) ? vram : 0);
    return budget.withFreed(snapshot, { ram: -inRam, vram: -vram });
  };
  const layersOn = (snapshot: HardwareSnapshot): number => {
    const { n_gpu_layers: n } = asked;
    if (n !== undefined && n >= 0) return n;
    // A GPU that only llama.cpp detects gets the whole model, as in the original.
    if (n === -1 && (asked.force === true || budget.usableGpus(snapshot).length === 0)) return blocks;
    return split.recommendSplit({ shape, ...settings, snapshot }).gpuLayers;
  };

  let snapshot = await snapshotNow();
  if (asked.force !== true) {
    const fitOn = (on: HardwareSnapshot) => checkFit(demand, layersOn(on), on);
    while (!fitOn(snapshot).fits) {
      const candidates = models.evictionCandidates().filter((model) => model.id !== replaces?.id);
      const freed = freedBy(candidates);
      const emptied = budget.withFreed(snapshot, freed);
      const fit = fitOn(emptied);
      const [first] = candidates;
      if (!fit.fits || first === undefined) {
        const { findAlternatives } = await import('../hardware/would-fit.ts');
        const misfit = { shape, settings, gpuLayers: layersOn(emptied), snapshot: emptied };
        throw tooLarge({ id, hasDraft: draft !== undefined }, fit, findAlternatives(misfit));
      }
      if (replaces !== undefined) break;
      await models.unload(first.id, { reason: 'room' });
      hardware.invalidateVram();
      snapshot = await snapshotNow();
    }
  }

  const gpuLayers = Math.min(layersOn(snapshot), blocks);
  return {
    ...settings,
    // llama.cpp counts the output layer as the first that is moved to the GPU.
    gpuLayers: gpuLayers === 0 ? 0 : gpuLayers + 1,
    sequences: asked.n_parallel ?? chooseSequences(shape, settings, { gpuLayers, snapshot }),
    threads: asked.n_threads ?? threadRange(snapshot.cpu),
    ...defined({ useMmap: asked.use_mmap, useMlock: asked.use_mlock, useDirectIo: asked.use_direct_io }),
    ...defined({ chatTemplate: asked.chat_template }),
    ...(adapters.length > 0 ? { adapters } : {}),
    ...(draft && {
      draft: { id: draft.id, file: draft.files[0] ?? '', gpuLayers: draftLayers === 0 ? 0 : draftLayers + 1 },
    }),
    ...defined({ devices }),
    ...(asked.force === true ? { force: true } : {}),
  };
}

/** Returns the positions of GPUs in a list, by their names. @throws HostError `INVALID_REQUEST` for another name. */
function positionsOf(names: readonly string[], gpus: readonly GpuInfo[]): number[] {
  const positions: number[] = [];
  for (const name of names) {
    const position = gpus.findIndex((gpu, at) => gpu.name === name && !positions.includes(at));
    if (position < 0) {
      const known = gpus.map((gpu) => JSON.stringify(gpu.name)).join(', ');
      const expected = known === '' ? 'an empty list: llama.cpp uses no GPU here' : `GPUs among ${known}`;
      throw invalidField('devices', expected, names);
    }
    positions.push(position);
  }
  return positions;
}

function freedBy(models: readonly { readonly ramUsed: number; readonly vramUsed: number }[]): MemoryAmount {
  return {
    ram: sum(models.map(({ ramUsed }) => ramUsed)),
    vram: sum(models.map(({ vramUsed }) => vramUsed)),
  };
}

async function assertCacheTypes(
  asked: NonNullable<RequestOf<'LOAD_MODEL'>['settings']>,
  shape: ModelShape,
): Promise<void> {
  const { isQuantized, canQuantizeCache } = await import('../hardware/cache-types.ts');
  for (const field of ['cache_type_k', 'cache_type_v'] as const) {
    const type = asked[field];
    if (type === undefined || !isQuantized(type) || canQuantizeCache(shape)) continue;
    throw new HostError(
      'INVALID_REQUEST',
      `\`${field}\` cannot be ${type} for this model: a quantized cache needs attention head sizes that are multiples of 32, but they are ${shape.keyLength} and ${shape.valueLength}. Use f32, f16 or bf16.`,
      { details: { field: `settings.${field}`, expected: 'f32, f16 or bf16', found: type } },
    );
  }
  const type = asked.cache_type_v;
  if (type === undefined || !isQuantized(type) || (asked.flash_attn ?? shape.flashAttention)) return;
  throw new HostError(
    'INVALID_REQUEST',
    `\`cache_type_v\` cannot be ${type} without flash attention, which is ${asked.flash_attn === false ? 'turned off' : 'not used for this model by default'}. Use f32, f16 or bf16, or \`flash_attn: true\`.`,
    { details: { field: 'settings.cache_type_v', expected: 'f32, f16 or bf16', found: type } },
  );
}

function tooLarge(
  { id, hasDraft }: { id: string; hasDraft: boolean },
  { needed, available }: Fit,
  wouldFit: readonly Alternative[],
): HostError {
  const inWords = ({ ram, vram }: MemoryAmount) =>
    `${formatBytes(ram)} of main memory${vram > 0 ? ` and ${formatBytes(vram)} of GPU memory` : ''}`;
  const what = wouldFit.map(({ note }) => note).join('; or ');
  return new HostError(
    'INSUFFICIENT_MEMORY',
    `${id} needs ${inWords(needed)}, but only ${inWords(available)} is available${hasDraft ? ' beside its draft model' : ''}. What would fit: ${what}.`,
    { details: { modelId: id, needed, available, wouldFit } },
  );
}
