import { isDeepStrictEqual } from 'node:util';
import { defined } from '../common/defined.ts';
import { HostError, isHostError } from '../common/errors.ts';
import { engineUnavailable, hostShuttingDown } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import type { ProgressListener } from '../common/progress.ts';
import { whenAborted } from '../common/when-aborted.ts';
import { withTimeout } from '../common/with-timeout.ts';
import type { HostLimits } from '../config.ts';
import type { InspectedModel } from '../gguf/model.ts';
import type { WeightSpeed } from '../hardware/token-speed.ts';
import type { BackendGpus } from '../hardware/types.ts';
import type { ModelEngine } from '../models/model-engine.ts';
import { type Budget, budgetOf, sequenceBytes } from './budget.ts';
import { describeModel, type LoadRequest, type NotedLoad } from './describe-model.ts';
import { DeviceChoice } from './device-choice.ts';
import type { GpuMode, RunnerLoad } from './ipc.ts';
import { type LoadWatch, loadOnRunner } from './load-on-runner.ts';
import { LocalModel } from './local-model.ts';
import { readGpuMode } from './runner-env.ts';
import type { RunnerProcess } from './runner-process.ts';
import { mayUseGpu, RunnerStarter } from './runner-starter.ts';
import { Containment, type ContainmentStatus } from './sandbox/containment.ts';
import type { Visible } from './sandbox/sandbox.ts';
import { filesOf } from './sandbox/visible-files.ts';
import type { StateStore } from './states/state-store.ts';
import { WarmRunner } from './warm-runner.ts';

/** Options of {@link Engine}. */
export interface EngineOptions {
  /** The module a runner starts with: one that calls `runRunner` when given `RUNNER_ARGUMENT`. */
  readonly runnerEntry: URL;
  readonly limits: Pick<HostLimits, 'loadTimeoutMs'>;
  /** The host's environment: `TABAGENT_GPU` is read from it, and runners get the part of it that they need. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly log: Logger;
  /** How runners are contained. Default: not at all. */
  readonly containment?: Containment;
  /** Folders in which models may be: a contained runner sees them before its model is known. */
  readonly modelFolders?: () => readonly string[];
  /** Folders that no contained runner may see as a whole. */
  readonly hiddenFolders?: readonly string[];
  /** Where evaluated prompts are kept; absent if they are not. */
  readonly states?: StateStore | undefined;
  /** Why no runner may be started: every load fails with it. */
  readonly refusal?: HostError | undefined;
}

/**
 * Longest context that is accepted, tokens. Published models go to 10 million; node-llama-cpp computes for minutes over
 * a billion before it reports that there is no such memory.
 */
const MAX_CONTEXT_TOKENS = 16 * 1024 * 1024;

/** Longest time that a warm runner may take to answer before a load, milliseconds; it takes 1 or 2. */
const RESPONSE_MS = 2_000;

/** Age at which a warm runner is expected to have started, milliseconds: GPU drivers can take some seconds. */
const START_MS = 30_000;

/**
 * llama.cpp on this machine: starts a runner process for each model and keeps one ready for the next load. llama.cpp
 * never runs in this process, so a crash ends one runner and nothing else.
 */
export class Engine implements ModelEngine<LoadRequest> {
  readonly #options: EngineOptions;
  readonly #starter: RunnerStarter;
  readonly #warm: WarmRunner;
  readonly #devices: DeviceChoice;
  #gpu: GpuMode;
  /** The GPUs that llama.cpp reported; undefined until it was asked. */
  #gpus: Promise<BackendGpus | null | undefined> | undefined;
  readonly #loaded = new Set<LocalModel>();
  #isClosed = false;

  /** @throws HostError `INVALID_REQUEST` for a `TABAGENT_GPU` that names no backend. */
  constructor(options: EngineOptions) {
    this.#options = options;
    this.#gpu = readGpuMode(options.env);
    this.#starter = new RunnerStarter({
      entry: options.runnerEntry,
      env: options.env,
      containment: options.containment ?? new Containment({ reason: 'none was requested' }),
      modelFolders: options.modelFolders ?? (() => []),
      hidden: options.hiddenFolders ?? [],
      log: options.log,
      ...(options.states && {
        openStates: () => options.states?.openFolder(),
        exceedsStates: (folder) => options.states?.exceeds(folder) ?? Promise.resolve(false),
        closeStates: (folder) => void options.states?.close(folder),
      }),
    });
    this.#devices = new DeviceChoice({
      env: options.env,
      start: (variables) => this.#starter.startFor(this.#gpu, [], variables),
      log: options.log,
    });
    this.#warm = new WarmRunner(
      () => this.#starter.startWarm(this.#gpu),
      ({ pid }) => options.log.warn('engine.warm-runner-exited', { runner: pid }),
    );
  }

  /** False where no runner is given a GPU: by the user's choice, or because llama.cpp fails to start with it. */
  get usesGpu(): boolean {
    return this.#gpu !== 'off';
  }

  /** Process id of the warm runner, or undefined: for tests. */
  get warmPid(): number | undefined {
    return this.#warm.pid;
  }

  /** Whether and how models are contained. Whether a sandbox works is known once the first runner has started. */
  get containment(): ContainmentStatus {
    return this.#starter.containment.status;
  }

  /** Starts a runner ahead of a load that is likely to come. Cheap to call often. */
  warm(): void {
    if (!this.#isClosed && this.#options.refusal === undefined) this.#warm.warm();
  }

  /**
   * Returns the GPUs that llama.cpp can use, with their memory now if a runner is idle, otherwise as it was first
   * reported; null if it uses none, undefined if it does not say in time.
   */
  async gpus(): Promise<BackendGpus | null | undefined> {
    if (this.#isClosed || this.#options.refusal !== undefined) return undefined;
    if (!this.usesGpu || !mayUseGpu(this.#gpu, this.#options.env)) return null;
    this.#gpus ??= this.#askForGpus();
    const gpus = await this.#gpus;
    // The next call asks again.
    if (gpus === undefined) this.#gpus = undefined;
    const idle = this.#warm.idle;
    if (!gpus || idle?.facts === undefined) return gpus;
    const memory = await withTimeout(idle.call('gpuMemory', null), RESPONSE_MS, 'A runner').catch(() => gpus.memory);
    return { ...gpus, memory };
  }

  /**
   * Measures how fast llama.cpp reads weights with a number of threads.
   *
   * @throws HostError `SHUTTING_DOWN`; as `measureSpeed`.
   */
  async measureSpeed(threads: number, signal: AbortSignal): Promise<WeightSpeed> {
    const { refusal } = this.#options;
    if (this.#isClosed) throw hostShuttingDown();
    if (refusal !== undefined) throw refusal;
    const usesGpu = (await this.gpus()) != null;
    const { measureSpeed } = await import('./measure-speed.ts');
    return measureSpeed({
      threads,
      usesGpu,
      signal,
      start: (files) => this.#starter.startFor(usesGpu ? this.#gpu : 'off', files),
    });
  }

  async #askForGpus(): Promise<BackendGpus | null | undefined> {
    try {
      this.#warm.warm();
      const runner = this.#warm.idle;
      if (runner === undefined) return undefined;
      const { gpu, devices, gpuMemory } = await withTimeout(runner.ready, START_MS, 'A runner');
      return gpu === null ? null : { backend: gpu, names: devices, memory: gpuMemory };
    } catch (error) {
      // A load finds out whether llama.cpp starts without the GPU.
      this.#options.log.warn('engine.gpus-unknown', { error });
      return undefined;
    }
  }

  /** Ends the warm runner. Loaded models are unloaded by their owner. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#warm.drop();
  }

  /**
   * Loads a model in a runner process.
   *
   * @throws HostError `MODEL_REJECTED`, `INSUFFICIENT_MEMORY`, `ENGINE_CRASHED`, `ENGINE_ENDED`, `ENGINE_UNAVAILABLE`,
   *   `LOAD_TIMEOUT`, `UNSAFE_FOLDER` if other users could have replaced what would run, `INVALID_REQUEST` for a context
   *   that is too long; the signal's reason when aborted.
   */
  async load(
    request: LoadRequest,
    { signal, onProgress = () => undefined }: { signal: AbortSignal; onProgress?: ProgressListener<number> },
  ): Promise<LocalModel> {
    const { refusal, limits } = this.#options;
    if (this.#isClosed) throw hostShuttingDown();
    if (refusal !== undefined) throw refusal;
    if (request.settings.contextSize > MAX_CONTEXT_TOKENS) throw contextTooLong(request.settings.contextSize);
    const start = performance.now();
    const loaded = await this.#loadOnAnyRunner(request, { signal, onProgress, timeoutMs: limits.loadTimeoutMs });
    const info = describeModel(request, loaded, Math.round(performance.now() - start));
    const { runner, facts } = loaded;
    this.#options.log.info('engine.loaded', { id: info.id, pid: runner.pid, ...facts });
    const local = new LocalModel(info, runner, this.#keepStates(runner));
    this.#loaded.add(local);
    void local.lost.then(() => this.#loaded.delete(local));
    return local;
  }

  /** Clears what loaded models have evaluated of a conversation, and of prompts without one. */
  async forget(conversation: string): Promise<void> {
    await Promise.all([...this.#loaded].map((model) => model.forget(conversation)));
  }

  /** Takes over states whenever a runner saves them. Returns a function that does so once more; undefined without a store. */
  #keepStates(runner: RunnerProcess): (() => Promise<void>) | undefined {
    const { states } = this.#options;
    const folder = runner.states;
    if (states === undefined || folder === undefined) return undefined;
    const update = () =>
      states.update(folder).catch((error: unknown) => this.#options.log.warn('states.not-kept', { error }));
    runner.onStates = () => void update();
    return update;
  }

  /**
   * Loads on the warm runner. When that crashes with a GPU in use, or the GPU has too little memory, a new one without a
   * GPU gets a second try.
   */
  async #loadOnAnyRunner({ id, model, settings, draft }: LoadRequest, watch: LoadWatch): Promise<RunnerWithModel> {
    const { adapters = [] } = settings;
    const [modelFiles, adapterFiles, draftFiles] = await Promise.all([
      filesOf(model.files),
      filesOf(adapters.map((adapter) => adapter.file)),
      filesOf(draft?.files ?? []),
    ]);
    const files = [...modelFiles, ...adapterFiles, ...draftFiles];
    const shown = adapters.map((adapter, at) => ({ ...adapter, file: adapterFiles[at]?.path ?? '' }));
    const load: RunnerLoad = {
      file: modelFiles[0]?.path ?? '',
      settings: {
        ...settings,
        ...(shown.length > 0 && { adapters: shown }),
        ...(settings.draft && { draft: { ...settings.draft, file: draftFiles[0]?.path ?? '' } }),
      },
    };
    const budget = budgetOf(model, settings, draft);
    const runner =
      settings.devices === undefined
        ? await this.#takeRunner(files, watch.signal)
        : await this.#startOn(settings.devices, files);
    try {
      const withStates = await this.#withStates(runner, model, load);
      return { runner, ...(await loadOnRunner(runner, withStates, budget, watch)) };
    } catch (error) {
      if (!isHostError(error, 'ENGINE_CRASHED', 'ENGINE_UNAVAILABLE', 'INSUFFICIENT_MEMORY')) throw error;
      this.#options.log.warn('engine.load-failed', { id, gpu: runner.facts?.gpu, code: error.code, ...error.details });
      const startFailed = runner.facts === undefined;
      const usesGpu = !startFailed && runner.facts?.gpu !== null;
      // With no layer on the GPU, llama.cpp still evaluates prompts there, and needs working memory for it.
      const gpuFailed = usesGpu && (settings.gpuLayers > 0 || error.code === 'INSUFFICIENT_MEMORY');
      if (startFailed && runner.gpu === 'off') throw error.code === 'ENGINE_CRASHED' ? unavailable(error) : error;
      if (!startFailed && !gpuFailed) throw error;
      return this.#loadWithoutGpu(load, { budget, watch, startFailed, files });
    }
  }

  /** Returns a load that uses the states that were saved with this model and these settings. */
  async #withStates(runner: RunnerProcess, model: InspectedModel, load: RunnerLoad): Promise<RunnerLoad> {
    const { states, log } = this.#options;
    if (states === undefined || runner.states === undefined) return load;
    const { adapters = [] } = load.settings;
    const files = [...model.files, ...adapters.map(({ file }) => file)];
    const stored = { files, sequenceBytes: sequenceBytes(model.shape, load.settings) };
    try {
      return { ...load, states: await states.fill(runner.states, stored, load.settings) };
    } catch (error) {
      log.warn('states.unusable', { error });
      return load;
    }
  }

  /**
   * Takes the warm runner, or starts one. A warm runner that does not see the files or does not respond, such as one
   * that was stopped, is replaced: it must not delay a load.
   */
  async #takeRunner(files: Visible['files'], signal: AbortSignal): Promise<RunnerProcess> {
    await this.#starter.tried();
    const runner = this.#warm.take();
    if (runner !== undefined) {
      if (await this.#isUsable(runner, files, signal)) return runner;
      void runner.kill();
    }
    return this.#starter.startFor(this.#gpu, files);
  }

  /**
   * Starts a runner that uses some of the GPUs only, or none.
   *
   * @throws HostError `ENGINE_UNAVAILABLE` if it finds others than those: they may have changed since they were listed.
   */
  async #startOn(positions: readonly number[], files: Visible['files']): Promise<RunnerProcess> {
    await this.#starter.tried();
    if (positions.length === 0) return this.#starter.startFor('off', files);
    const gpus = await this.gpus();
    if (gpus == null) throw engineUnavailable('no GPU can be used any more', {});
    const wanted = positions.map((position) => gpus.names[position]);
    const variables = await this.#devices.variablesFor(positions, gpus);
    const runner = await this.#starter.startFor(this.#gpu, files, variables);
    const found = await withTimeout(runner.ready, START_MS, 'A runner').catch(() => undefined);
    // A runner that does not start is handled like any other.
    if (found === undefined || isDeepStrictEqual(found.devices, wanted)) return runner;
    void runner.kill();
    throw engineUnavailable('it does not find the chosen GPUs', { expected: wanted, found: found.devices });
  }

  async #isUsable(runner: RunnerProcess, files: Visible['files'], signal: AbortSignal): Promise<boolean> {
    if (runner.isContained && !this.#starter.containment.isActive) return false;
    if (runner.folders !== undefined && !(await runner.folders.shows(files))) return false;
    const startMs = runner.facts === undefined ? START_MS - (performance.now() - runner.startedAt) : 0;
    const limitMs = Math.min(Math.max(RESPONSE_MS, startMs), this.#options.limits.loadTimeoutMs);
    if (await respondsWithin(runner, limitMs, signal)) return true;
    this.#options.log.warn('engine.warm-runner-stuck', { runner: runner.pid });
    return false;
  }

  async #loadWithoutGpu(
    { file, settings }: RunnerLoad,
    more: { budget: Budget; watch: LoadWatch; startFailed: boolean; files: Visible['files'] },
  ): Promise<RunnerWithModel> {
    const { budget, watch, startFailed, files } = more;
    const runner = await this.#starter.startFor('off', files);
    try {
      const draft = settings.draft && { ...settings.draft, gpuLayers: 0 };
      const onCpu = { ...settings, gpuLayers: 0, ...defined({ draft }) };
      const loaded = await loadOnRunner(runner, { file, settings: onCpu }, budget, watch);
      // llama.cpp starts without the GPU and not with it: later runners need not try.
      if (startFailed) this.#gpu = 'off';
      return { runner, ...loaded, notice: 'The GPU could not be used, so the model runs on the CPU.' };
    } catch (error) {
      throw runner.facts === undefined && isHostError(error, 'ENGINE_CRASHED') ? unavailable(error) : error;
    }
  }
}

/** Returns whether a runner answers in time. One that exits, and an aborted load, count as well: the load fails at once. */
function respondsWithin(runner: RunnerProcess, ms: number, signal: AbortSignal): Promise<boolean> {
  const answered = runner.call('memory', null).then(
    () => true,
    () => true,
  );
  return Promise.race([withTimeout(answered, ms, 'A runner').catch(() => false), whenAborted(signal).then(() => true)]);
}

/** A runner that has loaded a model. */
interface RunnerWithModel extends NotedLoad {
  readonly runner: RunnerProcess;
}

function contextTooLong(contextSize: number): HostError {
  return new HostError(
    'INVALID_REQUEST',
    `The context length is too large: ${contextSize} tokens, but at most ${MAX_CONTEXT_TOKENS} are allowed.`,
    { details: { field: 'n_ctx', expected: `at most ${MAX_CONTEXT_TOKENS}`, found: contextSize } },
  );
}

/** The error for a runner that crashed before llama.cpp had started: it says nothing about the model. */
function unavailable({ message, details }: HostError): HostError {
  return engineUnavailable(message, details ?? {});
}
