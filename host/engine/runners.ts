import { type HostError, isHostError } from '../common/errors.ts';
import { engineUnavailable } from '../common/host-errors.ts';
import type { EngineOptions } from './engine.ts';
import { readGpuMode } from './gpu-mode.ts';
import type { GpuMode } from './ipc.ts';
import { type LoadedRunner, type LoadWatch, loadOnRunner } from './load-on-runner.ts';
import { runnerEnv } from './runner-env.ts';
import { RunnerProcess } from './runner-process.ts';
import type { LoadRequest } from './types.ts';
import { WarmRunner } from './warm-runner.ts';

/** A runner with its model. */
export interface RunnerWithModel extends LoadedRunner {
  readonly runner: RunnerProcess;
  /** What its user should know of it. */
  readonly notice?: string;
}

/** Where runners come from: one waits idle for the next load, and one that the GPU ends has a successor on the CPU. */
export class Runners {
  readonly #options: Pick<EngineOptions, 'runnerEntry' | 'env' | 'log'>;
  readonly #warm: WarmRunner;
  #gpu: GpuMode;

  /** @throws HostError `INVALID_REQUEST` for a `TABAGENT_GPU` that names no backend. */
  constructor(options: Pick<EngineOptions, 'runnerEntry' | 'env' | 'log'>) {
    this.#options = options;
    this.#gpu = readGpuMode(options.env);
    this.#warm = new WarmRunner(
      () => this.#start(this.#gpu),
      ({ pid }) => options.log.warn('engine.idle-ended', { runner: pid }),
    );
  }

  /** False where no runner is given a GPU: the user said so, or llama.cpp does not stand with it. */
  get usesGpu(): boolean {
    return this.#gpu !== 'off';
  }

  /** Process id of the idle runner, or undefined. */
  get warmPid(): number | undefined {
    return this.#warm.pid;
  }

  /** Starts a runner ahead of a load that is likely to come. */
  warm(): void {
    this.#warm.warm();
  }

  /** Ends the idle runner. Those with models are their owner's. */
  async close(): Promise<void> {
    await this.#warm.drop();
  }

  /** Loads on the idle runner. One that dies with a GPU in use gets a second chance without it, in a new process. */
  async load({ id, model, settings }: LoadRequest, watch: LoadWatch): Promise<RunnerWithModel> {
    const file = model.files[0] ?? '';
    const runner = this.#warm.take();
    try {
      return { runner, ...(await loadOnRunner(runner, { file, settings }, watch)) };
    } catch (error) {
      if (!isHostError(error, 'ENGINE_CRASHED')) throw error;
      this.#options.log.warn('engine.crashed', { id, during: 'load', gpu: runner.facts?.gpu, ...error.details });
      const startFailed = runner.facts === undefined;
      const gpuFailed = !startFailed && runner.facts?.gpu !== null && settings.gpuLayers > 0;
      if (startFailed && runner.gpu === 'off') throw unavailable(error);
      if (!startFailed && !gpuFailed) throw error;
      const onCpu = this.#start('off');
      try {
        const loaded = await loadOnRunner(onCpu, { file, settings: { ...settings, gpuLayers: 0 } }, watch);
        // llama.cpp stands without the GPU and not with it: no later runner need try again.
        if (startFailed) this.#gpu = 'off';
        return { runner: onCpu, ...loaded, notice: 'The GPU could not be used, so the model runs on the CPU' };
      } catch (again) {
        throw onCpu.facts === undefined && isHostError(again, 'ENGINE_CRASHED') ? unavailable(again) : again;
      }
    }
  }

  #start(gpu: GpuMode): RunnerProcess {
    const { runnerEntry, env, log } = this.#options;
    const runner = new RunnerProcess({ entry: runnerEntry, gpu, env: runnerEnv(env) });
    const { pid } = runner;
    runner.ready.then(
      (facts) => log.info('engine.ready', { runner: pid, ...facts }),
      (error: unknown) => {
        if (!runner.isKilled) log.warn('engine.not-ready', { runner: pid, error });
      },
    );
    return runner;
  }
}

/** A runner that died before llama.cpp stood in it: nothing about the model, and no use trying again. */
function unavailable({ message, details }: HostError): HostError {
  return engineUnavailable(message, details ?? {});
}
