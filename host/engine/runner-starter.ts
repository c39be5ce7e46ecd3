import { HostError, isHostError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { withTimeout } from '../common/with-timeout.ts';
import type { GpuMode, RunnerFacts } from './ipc.ts';
import { runnerEnv } from './runner-env.ts';
import { RunnerProcess } from './runner-process.ts';
import type { Containment } from './sandbox/containment.ts';
import { gpuDevices } from './sandbox/gpu-devices.ts';
import type { Visible } from './sandbox/sandbox.ts';
import { VisibleFolders } from './sandbox/visible-files.ts';

/** Longest time that the first contained runner may take to start before the sandbox counts as broken, milliseconds. */
const TRIAL_MS = 30_000;

/** Time between two checks of what a runner has written, milliseconds. */
const CHECK_STATES_MS = 5_000;

/** What runners are started with. */
export interface RunnerStarterOptions {
  readonly entry: URL;
  /** The host's environment, of which runners get a part. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly containment: Containment;
  /** Folders in which models may be. */
  readonly modelFolders: () => readonly string[];
  /** Folders that no runner may see as a whole: the data folder. */
  readonly hidden: readonly string[];
  /** Creates a folder for evaluated prompts; undefined if nothing is kept. */
  readonly openStates?: () => string | undefined;
  /** Returns whether such a folder holds far more than it may. */
  readonly exceedsStates?: (folder: string) => Promise<boolean>;
  /** Called when a runner with such a folder has exited. */
  readonly closeStates?: (folder: string) => void;
  /** Whether this computer may have a GPU. @default looks for devices */
  readonly mayHaveGpu?: () => boolean;
  readonly log: Logger;
}

/**
 * Starts runners, contained where that works. The first contained runner is the trial of the sandbox: where it does not
 * start although one without a sandbox does, or lacks the GPU that the other has, later ones are not contained. By then
 * no model's file has been opened.
 */
export class RunnerStarter {
  readonly #options: RunnerStarterOptions;
  #trial: Promise<void> | undefined;

  constructor(options: RunnerStarterOptions) {
    this.#options = options;
  }

  get containment(): Containment {
    return this.#options.containment;
  }

  /** Starts a runner before its model is known: it sees the folders in which models may be. */
  startWarm(gpu: GpuMode): RunnerProcess {
    const { containment, modelFolders, hidden } = this.#options;
    if (!containment.isActive) return this.#start(gpu);
    const folders = new VisibleFolders(modelFolders(), hidden);
    return this.#start(gpu, { visible: folders.visible, folders });
  }

  /**
   * Starts a runner that sees these files and nothing else of the user's.
   *
   * @param variables Added to its environment.
   */
  async startFor(gpu: GpuMode, files: Visible['files'], variables?: NodeJS.ProcessEnv): Promise<RunnerProcess> {
    const start = () =>
      this.#start(gpu, { visible: this.containment.isActive ? { folders: [], files } : undefined, variables });
    const runner = start();
    await this.#trial;
    if (!runner.isContained || this.containment.isActive) return runner;
    void runner.kill();
    return start();
  }

  /** Resolves when it is known whether the sandbox works, or nothing has been started. */
  async tried(): Promise<void> {
    await this.#trial;
  }

  /** @param more.visible What a contained runner sees; undefined for one that is not contained. */
  #start(
    gpu: GpuMode,
    more: {
      visible?: Visible | undefined;
      folders?: VisibleFolders;
      variables?: NodeJS.ProcessEnv | undefined;
    } = {},
  ): RunnerProcess {
    const { visible, folders, variables } = more;
    const { entry, env, containment, log, openStates } = this.#options;
    const states = openStates?.();
    const runner = new RunnerProcess({
      entry,
      gpu,
      env: { ...runnerEnv(env), ...variables },
      isContained: visible !== undefined,
      folders,
      states,
      wrap: (command) =>
        visible === undefined
          ? containment.wrapPlainly(command)
          : containment.wrap(command, { ...visible, writable: states }),
    });
    const { pid } = runner;
    if (states !== undefined) this.#watchStates(runner, states);
    runner.ready.then(
      (facts) => log.info('engine.runner-ready', { runner: pid, sandbox: containment.status.kind, ...facts }),
      (error: unknown) => {
        if (!runner.isKilled) log.warn('engine.runner-failed', { runner: pid, error });
      },
    );
    if (runner.isContained) this.#trial ??= this.#try(runner);
    return runner;
  }

  /** Ends a runner that fills the disk, and gives up its folder when it has exited. */
  #watchStates(runner: RunnerProcess, folder: string): void {
    const { exceedsStates, closeStates } = this.#options;
    const check = async () => {
      if ((await exceedsStates?.(folder)) === true) runner.fail(tooMuchWritten());
    };
    const timer = setInterval(() => void check(), CHECK_STATES_MS).unref();
    void runner.exited.then(() => {
      clearInterval(timer);
      closeStates?.(folder);
    });
  }

  async #try(runner: RunnerProcess): Promise<void> {
    const outcome = await startOf(runner);
    const lacksGpu = outcome.facts?.gpu === null && runner.gpu !== 'off' && (this.#options.mayHaveGpu ?? mayHaveGpu)();
    if (outcome.facts !== undefined && !lacksGpu) return;
    // It was killed: that says nothing about the sandbox. The next one is the trial.
    if (runner.isKilled || outcome.isKilled) {
      this.#trial = undefined;
      return;
    }
    const other = this.#start(runner.gpu);
    const { facts } = await startOf(other);
    void other.kill();
    if (facts === undefined || (outcome.facts !== undefined && facts.gpu === null)) return;
    const reason =
      outcome.facts === undefined
        ? `no model's process starts in it (${outcome.reason})`
        : 'the GPU cannot be used in it';
    this.#options.log.warn('engine.sandbox-failed', { sandbox: this.containment.status.kind, reason });
    this.containment.giveUp(reason);
  }
}

/** How a runner started. */
interface Start {
  readonly facts?: RunnerFacts;
  readonly reason?: string;
  readonly isKilled?: boolean;
}

async function startOf(runner: RunnerProcess): Promise<Start> {
  try {
    return { facts: await withTimeout(runner.ready, TRIAL_MS, 'The process') };
  } catch (error) {
    const { log, signal } = isHostError(error) ? (error.details ?? {}) : {};
    const last = Array.isArray(log) ? log.at(-1) : undefined;
    return { reason: String(last ?? (error as Error).message).slice(0, 200), isKilled: signal === 'SIGKILL' };
  }
}

function tooMuchWritten(): HostError {
  return new HostError(
    'ENGINE_ENDED',
    'The model’s process wrote more to the disk than it may, so it was ended. The file is the likely cause: verify it, or use another one.',
    { details: { reason: 'disk' } },
  );
}

/** Whether there may be a GPU: device files on Linux; on macOS Metal has none. */
function mayHaveGpu(): boolean {
  return process.platform === 'darwin' || gpuDevices().length > 0;
}

/**
 * Whether llama.cpp may find a GPU: there may be one, or the user says so by choosing a backend or a device for it, such
 * as a device in software that is no file.
 */
export function mayUseGpu(mode: GpuMode, env: Readonly<NodeJS.ProcessEnv>): boolean {
  if (mode === 'off') return false;
  return mode !== 'auto' || (env.GGML_VK_VISIBLE_DEVICES ?? '') !== '' || process.platform === 'win32' || mayHaveGpu();
}
