import { engineUnavailable } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import { withTimeout } from '../common/with-timeout.ts';
import type { BackendGpus } from '../hardware/types.ts';
import type { RunnerProcess } from './runner-process.ts';

/** Variables with the numbers of the GPUs that a backend may use. Metal has one GPU. */
const VARIABLES = { cuda: 'CUDA_VISIBLE_DEVICES', vulkan: 'GGML_VK_VISIBLE_DEVICES', metal: undefined } as const;

/** Most Vulkan devices whose names are determined: a process is started for each. */
const MAX_DEVICES = 16;

/** Longest time that a process may take to report its devices, milliseconds: GPU drivers can take some seconds. */
const START_MS = 30_000;

/** Options of {@link DeviceChoice}. */
export interface DeviceChoiceOptions {
  /** The host's environment. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Starts a runner with additional environment variables and without access to models. */
  readonly start: (env: NodeJS.ProcessEnv) => Promise<RunnerProcess>;
  readonly log: Logger;
}

/**
 * Restricts runners to some of the GPUs. The binding uses all GPUs of its backend, which reads the permitted ones from the
 * environment when the process starts.
 */
export class DeviceChoice {
  readonly #options: DeviceChoiceOptions;
  /** The names of the Vulkan devices by their numbers; undefined until they are needed. */
  #vulkan: Promise<readonly string[]> | undefined;

  constructor(options: DeviceChoiceOptions) {
    this.#options = options;
  }

  /**
   * Returns the environment variables that restrict a runner to certain GPUs.
   *
   * @param positions Positions in the backend's list of GPUs.
   * @throws HostError `ENGINE_UNAVAILABLE` if the numbers of the GPUs cannot be determined.
   */
  async variablesFor(positions: readonly number[], gpus: BackendGpus): Promise<NodeJS.ProcessEnv> {
    const variable = VARIABLES[gpus.backend];
    if (variable === undefined) return {};
    const numbers = await this.#numbersOf(gpus, variable);
    const chosen = positions.map((position) => numbers[position]);
    if (chosen.includes(undefined)) {
      const reason = 'the numbers of its GPUs cannot be determined';
      throw engineUnavailable(reason, { gpus: gpus.names, numbers });
    }
    return { [variable]: chosen.join(',') };
  }

  /** Returns the numbers of the backend's GPUs, in the order of its list. */
  async #numbersOf({ backend, names }: BackendGpus, variable: string): Promise<(string | undefined)[]> {
    // The user's own restriction lists them in this order.
    const restricted = this.#options.env[variable];
    if (restricted) return restricted.split(',').map((number) => number.trim());
    // CUDA lists GPUs in the order of their numbers. Vulkan's list omits devices that are not GPUs and duplicates.
    if (backend === 'cuda') return names.map((_, number) => String(number));
    this.#vulkan ??= this.#askVulkan(variable);
    const all: (string | undefined)[] = [...(await this.#vulkan)];
    return names.map((name) => {
      const number = all.indexOf(name);
      if (number < 0) return undefined;
      all[number] = undefined;
      return String(number);
    });
  }

  /** Starts runners with device 0, with 0 and 1, and so on, until no further device is found. Returns the names. */
  async #askVulkan(variable: string): Promise<readonly string[]> {
    let known: readonly string[] = [];
    while (known.length < MAX_DEVICES) {
      const numbers = Array.from({ length: known.length + 1 }, (_, number) => number);
      const names = await this.#namesWith({ [variable]: numbers.join(',') });
      if (names.length < numbers.length) break;
      known = names;
    }
    this.#options.log.info('engine.vulkan-devices', { names: known });
    return known;
  }

  /** Returns the names of the GPUs that a runner with these variables finds; none if it does not start in time. */
  async #namesWith(env: NodeJS.ProcessEnv): Promise<readonly string[]> {
    const runner = await this.#options.start(env);
    try {
      return (await withTimeout(runner.ready, START_MS, 'A runner')).devices;
    } catch (error) {
      this.#options.log.info('engine.devices-unknown', { error });
      return [];
    } finally {
      void runner.kill();
    }
  }
}
