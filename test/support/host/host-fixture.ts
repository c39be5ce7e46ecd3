import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostProcess, type StartOptions } from './host-process.ts';

/** A temporary home folder, with the hosts and other resources of a test. `close` closes and removes all of them. */
export class HostFixture {
  readonly home: string;
  readonly #closers: (() => Promise<unknown>)[] = [];

  private constructor(home: string) {
    this.home = home;
  }

  static async open(): Promise<HostFixture> {
    return new HostFixture(await mkdtemp(join(tmpdir(), 'tabagent-test-')));
  }

  /** Starts a host with this home folder. */
  host(options: Partial<StartOptions> = {}): HostProcess {
    const host = new HostProcess({ home: this.home, ...options });
    this.#closers.push(() => host.kill());
    return host;
  }

  /** Closes a resource when the fixture is closed, in reverse order. */
  use<T extends { close(): Promise<unknown> }>(resource: T): T {
    this.#closers.push(() => resource.close());
    return resource;
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.reverse()) await closer();
    await rm(this.home, { recursive: true, force: true });
  }
}
