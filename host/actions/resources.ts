import { sum } from '../common/sum.ts';
import type { LoadedModel } from '../models/model-engine.ts';
import type { Actions } from './action.ts';
import { namedModelId } from './has-model-reference.ts';

const MiB = 1024 * 1024;

function mebibytes(bytes: number): number {
  return Math.round(bytes / MiB);
}

function countByBackend(models: readonly LoadedModel[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { backend } of models) counts[backend] = (counts[backend] ?? 0) + 1;
  return counts;
}

export const actions: Actions<'QUERY_RESOURCES' | 'LIST_LOADED_MODELS' | 'SELECT_ACTIVE_MODEL'> = {
  async QUERY_RESOURCES(_request, { services }) {
    const [hardware, registry] = await Promise.all([services.hardware(), services.models()]);
    const { memory, gpus } = await hardware.snapshot();
    const models = registry.list();
    const vram = sum(gpus.map((gpu) => gpu.totalVram));
    const availableVram = sum(gpus.map((gpu) => gpu.availableVram));
    const payload = {
      resources: {
        vram_total_mb: mebibytes(vram),
        vram_available_mb: mebibytes(availableVram),
        vram_used_mb: mebibytes(vram - availableVram),
        ram_total_mb: mebibytes(memory.total),
        ram_available_mb: mebibytes(memory.available),
        ram_used_mb: mebibytes(memory.total - memory.available),
      },
      allocations: Object.fromEntries(
        models.map(({ id, vramUsed, ramUsed, backend }) => [
          id,
          { vram_mb: mebibytes(vramUsed), ram_mb: mebibytes(ramUsed), backend },
        ]),
      ),
      loaded_models_count: models.length,
      by_backend: countByBackend(models),
    };
    return { payload, topLevel: payload };
  },

  async LIST_LOADED_MODELS(_request, { services }) {
    const registry = await services.models();
    const models = registry.list();
    const payload = {
      models: models.map((model) => ({
        model_id: model.id,
        backend: model.backend,
        is_active: model.id === registry.activeId,
        loaded_to: model.loadedTo,
        gpu_layers: model.gpuLayers,
        cpu_layers: model.cpuLayers,
        vram_used: model.vramUsed,
        ram_used: model.ramUsed,
        loaded_at: model.loadedAt,
      })),
      total: models.length,
      active_model_id: registry.activeId,
      by_backend: countByBackend(models),
    };
    return { payload, topLevel: payload };
  },

  async SELECT_ACTIVE_MODEL(request, { services }) {
    const id = namedModelId(request);
    const registry = await services.models();
    registry.setActive(id);
    const payload = { active_model_id: id, backend: registry.get(id)?.backend ?? '' };
    return { payload, topLevel: payload, message: `Active model set to: ${id}` };
  },
};
