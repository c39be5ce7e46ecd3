import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostileModel } from '../gguf/hostile-model.ts';
import type { HostProcess, Message } from './host-process.ts';

/** The outcome of a hostile file. */
export interface HostileOutcome {
  readonly how: string;
  /** `loaded`, or the error code of LOAD_MODEL. */
  readonly load: string;
  /** `generated`, or the error code of GENERATE; undefined if nothing was loaded. */
  readonly generate: string | undefined;
  /** The longest time from a request to its reply, in milliseconds. */
  readonly milliseconds: number;
}

/**
 * Loads hostile files in a real host, one after the other. If a file loads, it generates a short answer and unloads it.
 */
export class HostileRun {
  readonly #host: HostProcess;
  readonly #folder: string;
  #count = 0;

  private constructor(host: HostProcess, folder: string) {
    this.#host = host;
    this.#folder = folder;
  }

  /** @param home The `TABAGENT_HOME` of `host`. */
  static async open(host: HostProcess, home: string): Promise<HostileRun> {
    const folder = join(home, 'models', 'hostile', 'model');
    await mkdir(folder, { recursive: true });
    return new HostileRun(host, folder);
  }

  async try({ bytes, how }: HostileModel): Promise<HostileOutcome> {
    this.#count += 1;
    const name = `m${this.#count}.gguf`;
    const modelPath = `hostile/model/${name}`;
    writeFileSync(join(this.#folder, name), bytes);
    const settings = { n_gpu_layers: 0, n_threads: 1, n_ctx: 128 };
    const load = await this.#request('LOAD_MODEL', { modelPath, settings });
    let generate: Timed | undefined;
    if (load.code === undefined) {
      const messages = [{ role: 'user', content: 'once upon' }];
      const limits = { max_new_tokens: 4, do_sample: false };
      generate = await this.#request('GENERATE', { modelId: modelPath, messages, settings: limits });
      await this.#request('UNLOAD_MODEL', { modelId: modelPath });
    }
    rmSync(join(this.#folder, name));
    return {
      how,
      load: load.code ?? 'loaded',
      generate: generate && (generate.code ?? 'generated'),
      milliseconds: Math.max(load.milliseconds, generate?.milliseconds ?? 0),
    };
  }

  /** Returns the resident memory and the number of open handles of the host's process (Linux only). */
  usage(): { readonly bytes: number; readonly handles: number } {
    const status = readFileSync(`/proc/${this.#host.pid}/status`, 'utf8');
    const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
    return { bytes: kib * 1024, handles: readdirSync(`/proc/${this.#host.pid}/fd`).length };
  }

  async #request(action: string, fields: Message): Promise<Timed> {
    const start = performance.now();
    const { code } = await this.#host.request(action, fields);
    return { code, milliseconds: performance.now() - start };
  }
}

interface Timed {
  readonly code: string | undefined;
  readonly milliseconds: number;
}
