import { engineUnavailable } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import { withTimeout } from '../common/with-timeout.ts';
import type { BackendGpus } from '../hardware/types.ts';
import type { RunnerProcess } from './runner-process.ts';

/** Variables with the numbers of the GPUs that a backend may use. Metal has one GPU. */
const VARIABLES = { cuda: 'CUDA_VISIBLE_DEVICES', vulkan: 'GGML_VK_VISIBLE_DEVICES', metal: undefined } as const;

/** Most devices of Vulkan that are asked for their names: a process is started for each. */
const MAX_DEVICES = 16;

/** Longest time that a process may take to report its devices, milliseconds: GPU drivers can take some seconds. */
const START_MS = 30_000;

/** What a {@link DeviceChoice} is made with. */
export interface DeviceChoiceOptions {
  /** The host's environment. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Starts a runner with further variables, which sees no models. */
  readonly start: (env: NodeJS.ProcessEnv) => Promise<RunnerProcess>;
  readonly log: Logger;
}

/**
 * Restricts runners to some of the GPUs. llama.cpp's binding uses all that its backend finds; the backend reads from the
 * environment, when the process starts, which ones those are.
 */
export class DeviceChoice {
  readonly #options: DeviceChoiceOptions;
  /** The names of Vulkan's devices by their numbers; undefined until they were asked for. */
  #vulkan: Promise<readonly string[]> | undefined;

  constructor(options: DeviceChoiceOptions) {
    this.#options = options;
  }

  /**
   * Returns the variables with which a runner uses certain GPUs only.
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
    // CUDA's list is in the order of the numbers. Vulkan's leaves out devices that are no GPUs or are listed twice.
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

  /** Asks for the names of the devices with the numbers 0, 0 and 1, and so on, until there is no further one. */
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

  /** Returns the names of the GPUs that a runner with these variables finds; none if it does not start. */
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
