import type { PayloadOf } from '../../../host/protocol/messages.ts';
import type { HostState } from '../../worker/host-state.ts';
import type { Known } from '../snapshot.ts';

/** What a bug report needs. */
export interface Facts {
  readonly extension: string;
  readonly browser: string;
  readonly language: string;
  readonly host: HostState | undefined;
  readonly known: Known;
  readonly system: PayloadOf<'GET_SYSTEM_INFO'> | undefined;
}

/**
 * What to copy into a bug report. It is put together from what is known to be harmless, not by striking out what is
 * not: no token, prompt, answer, conversation, path or name of the user is in it.
 */
export function diagnosticsOf({ extension, browser, language, host, known, system }: Facts): string {
  const { machine, memory } = known;
  const report = {
    extension,
    browser,
    language,
    host,
    system: system === undefined ? undefined : { os: system.os_version, devices: system.devices },
    machine:
      machine === undefined
        ? undefined
        : {
            cpu: machine.cpu,
            gpus: machine.gpus,
            ram: machine.total_ram,
            freeRam: machine.available_ram,
            disk: machine.disk,
          },
    memoryUsedByModels: memory?.memoryUsedByModels,
    loaded: known.loaded.map(({ model_id, loaded_to, gpu_layers, cpu_layers, ram_used, vram_used, config }) => ({
      model: nameOf(model_id),
      loaded_to,
      gpu_layers,
      cpu_layers,
      ram_used,
      vram_used,
      context: config.context_size,
    })),
    downloads: known.downloads.map(({ repo_id, file_path, status, downloaded, total, error }) => ({
      model: `${repo_id}/${file_path}`,
      status,
      downloaded,
      total,
      error: error?.code,
    })),
    models: { listed: known.available.length, here: known.downloaded.length },
  };
  return JSON.stringify(report, null, 2);
}

/** Files of other programs are named by where they lie, which may be a folder of the user's: only their kind is told. */
function nameOf(modelId: string): string {
  const [owner, source] = modelId.split('/');
  return owner === 'local' ? `local/${source}/…` : modelId;
}
