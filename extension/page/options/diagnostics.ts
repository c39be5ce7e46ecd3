import type { PayloadOf } from '../../../host/protocol/messages.ts';
import type { HostState } from '../../worker/host-state.ts';
import type { Snapshot } from '../snapshot.ts';

/** The input of a diagnostics report. */
export interface Facts {
  readonly extension: string;
  readonly browser: string;
  readonly language: string;
  readonly host: HostState | undefined;
  readonly snapshot: Snapshot;
  readonly system: PayloadOf<'GET_SYSTEM_INFO'> | undefined;
}

/**
 * Returns the report to copy into a bug report. It contains only selected fields: no token, prompt, answer, conversation,
 * path or name of the user.
 */
export function diagnosticsOf({ extension, browser, language, host, snapshot, system }: Facts): string {
  const { machine, memory } = snapshot;
  const report = {
    extension,
    browser,
    language,
    host,
    system:
      system === undefined ? undefined : { os: system.os_version, devices: system.devices, sandbox: system.sandbox },
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
    loaded: snapshot.loaded.map(({ model_id, loaded_to, gpu_layers, cpu_layers, ram_used, vram_used, config }) => ({
      model: nameOf(model_id),
      loaded_to,
      gpu_layers,
      cpu_layers,
      ram_used,
      vram_used,
      context: config.context_size,
    })),
    downloads: snapshot.downloads.map(({ modelId, status, downloaded, total, error }) => ({
      model: modelId,
      status,
      downloaded,
      total,
      error: error?.code,
    })),
    models: { listed: snapshot.available.length, installed: snapshot.downloaded.length },
  };
  return JSON.stringify(report, null, 2);
}

/** The id of a file of another program contains its path, so only the kind of source is reported. */
function nameOf(modelId: string): string {
  const [owner, source] = modelId.split('/');
  return owner === 'local' ? `local/${source}/…` : modelId;
}
