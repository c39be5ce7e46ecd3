import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostProcess, type StartOptions } from './host-process.ts';

/**
 * A test's environment: a home folder with the hosts and servers started in it, all removed by `close`.
 */
export class Workshop {
  readonly home: string;
  readonly #closers: (() => Promise<unknown>)[] = [];

  private constructor(home: string) {
    this.home = home;
  }

  static async open(): Promise<Workshop> {
    return new Workshop(await mkdtemp(join(tmpdir(), 'tabagent-test-')));
  }

  /** Starts a host on this home. */
  host(options: Partial<StartOptions> = {}): HostProcess {
    const host = new HostProcess({ home: this.home, ...options });
    this.#closers.push(() => host.kill());
    return host;
  }

  /** Calls `closer` at the end; the last one is called first. */
  use<T extends { close(): Promise<unknown> }>(resource: T): T {
    this.#closers.push(() => resource.close());
    return resource;
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.reverse()) await closer();
    await rm(this.home, { recursive: true, force: true });
  }
}
