import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../../../host/common/clock.ts';
import type { LogFields, Logger } from '../../../host/common/log.ts';
import type { LoadRequest } from '../../../host/engine/describe-model.ts';
import { Engine, type EngineOptions } from '../../../host/engine/engine.ts';
import type { LoadSettings } from '../../../host/engine/ipc.ts';
import { inspectModel } from '../../../host/gguf/inspect.ts';
import {
  type LoadOptions,
  type LoadPlan,
  type LoadResult,
  ModelRegistry,
} from '../../../host/models/model-registry.ts';

/** The built runner, which starts three times as fast as from source. */
export const REAL_RUNNER = new URL('../../../dist/host/main.js', import.meta.url);

/** Returns the URL of a runner in `test/support/engine/`. */
export function fixtureRunner(file: string): URL {
  return new URL(file, import.meta.url);
}

/**
 * Settings for generated models. One thread, because ggml's threads spin while they wait for each other, which is slow
 * on a busy machine.
 */
export const SETTINGS: LoadSettings = { gpuLayers: 0, contextSize: 256, threads: 1 };

/** A log whose events can be awaited. */
export class WatchedLog implements Logger {
  readonly lines: { readonly event: string; readonly fields: LogFields }[] = [];
  readonly #waiting = new Set<{ readonly event: string; resolve(fields: LogFields): void }>();

  /** Waits for the next occurrence of an event, and returns its fields. */
  next(event: string): Promise<LogFields> {
    return new Promise((resolve) => this.#waiting.add({ event, resolve }));
  }

  info(event: string, fields: LogFields = {}): void {
    this.#add(event, fields);
  }
  warn(event: string, fields: LogFields = {}): void {
    this.#add(event, fields);
  }
  error(event: string, fields: LogFields = {}): void {
    this.#add(event, fields);
  }

  #add(event: string, fields: LogFields): void {
    this.lines.push({ event, fields });
    for (const waiting of this.#waiting) {
      if (waiting.event !== event) continue;
      this.#waiting.delete(waiting);
      waiting.resolve(fields);
    }
  }
}

/** A model registry with an engine and a log. */
export class TestModels {
  readonly log = new WatchedLog();
  readonly models: ModelRegistry;
  readonly engine: Engine;

  constructor({
    runnerEntry = REAL_RUNNER,
    loadTimeoutMs = 60_000,
    env = {},
    clock = systemClock,
    ...containment
  }: {
    runnerEntry?: URL;
    loadTimeoutMs?: number;
    env?: NodeJS.ProcessEnv;
    clock?: Clock;
  } & Pick<EngineOptions, 'containment' | 'modelFolders' | 'states'> = {}) {
    const { log } = this;
    this.models = new ModelRegistry({ log, clock });
    this.engine = new Engine({
      runnerEntry,
      limits: { loadTimeoutMs },
      ...containment,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, TABAGENT_GPU: 'off', ...env },
      log,
    });
  }

  load(request: LoadRequest, options: LoadOptions = {}): Promise<LoadResult> {
    const start: LoadPlan['start'] = (signal, onProgress) =>
      this.engine.load(request, { signal, onProgress: (fraction) => onProgress({ step: 'load', fraction }) });
    return this.models.load({ id: request.id, start }, options);
  }

  /** Returns the process ID of the runner that last loaded a model. */
  pidOf(id: string): number | undefined {
    const line = this.log.lines.findLast(({ event, fields }) => event === 'engine.loaded' && fields.id === id);
    return line?.fields.pid as number | undefined;
  }

  async close(): Promise<void> {
    await this.models.close();
    await this.engine.close();
  }
}

/** Returns a request to load a file. */
export async function loadRequest(
  id: string,
  file: string,
  settings: Partial<LoadSettings> = {},
): Promise<LoadRequest> {
  return { id, model: await inspectModel([file]), settings: { ...SETTINGS, ...settings } };
}

/** Returns whether a process with this ID exists. */
export function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) throw new Error('Expected a process ID');
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Path of `query-llama.ts`. */
export const QUERY_LLAMA = fileURLToPath(new URL('query-llama.ts', import.meta.url));
