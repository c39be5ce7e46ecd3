import { fileURLToPath } from 'node:url';
import type { Clock } from '../../../host/common/clock.ts';
import type { LogFields, Logger } from '../../../host/common/log.ts';
import { Engine } from '../../../host/engine/engine.ts';
import type { LoadRequest, LoadSettings } from '../../../host/engine/types.ts';
import { inspectModel } from '../../../host/gguf/inspect.ts';

/** The real runner, from the sources. */
const REAL_RUNNER = new URL('../../../host/main.ts', import.meta.url);

/** A runner of `test/support/engine/`, by its file name. */
export function fixtureRunner(file: string): URL {
  return new URL(file, import.meta.url);
}

/** Settings for the models tests make. One thread: with more, ggml's workers spin at each other on a busy machine. */
export const SETTINGS: LoadSettings = { gpuLayers: 0, contextSize: 256, threads: 1 };

/** A log that can be waited for. */
export class WatchedLog implements Logger {
  readonly lines: { readonly event: string; readonly fields: LogFields }[] = [];
  readonly #waiting = new Set<{ readonly event: string; resolve(fields: LogFields): void }>();

  /** The fields of the next line of this event. */
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

/** An engine with a log of its own. */
export function makeEngine(
  options: { runnerEntry?: URL; loadTimeoutMs?: number; env?: NodeJS.ProcessEnv; clock?: Clock } = {},
) {
  const { runnerEntry = REAL_RUNNER, loadTimeoutMs = 60_000, env = {}, clock } = options;
  const log = new WatchedLog();
  const engine = new Engine({
    runnerEntry,
    limits: { loadTimeoutMs },
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TABAGENT_GPU: 'off', ...env },
    log,
    ...(clock === undefined ? {} : { clock }),
  });
  return { engine, log };
}

/** An order for a file, which has passed the preflight. */
export async function orderFor(id: string, file: string, settings: Partial<LoadSettings> = {}): Promise<LoadRequest> {
  return { id, model: await inspectModel([file]), settings: { ...SETTINGS, ...settings } };
}

/** True while a process of this id exists. */
export function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) throw new Error('Expected a process id');
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Where `ask-llama.ts` lies. */
export const ASK_LLAMA = fileURLToPath(new URL('ask-llama.ts', import.meta.url));
