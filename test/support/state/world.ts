import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostProcess, Message } from '../host/host-process.ts';
import type { TestHub } from '../hub/hub.ts';
import { configure, setStalls, startHost, startModelHub } from './shared-folder.ts';
import { HOSTS } from './steps.ts';

/** Thrown when something that must be true is not. */
export class StateFailure extends Error {}

/** Throws a {@link StateFailure} unless `condition` holds. */
export function must(condition: boolean, what: string, found?: unknown): asserts condition {
  if (!condition) throw new StateFailure(found === undefined ? what : `${what}; found ${JSON.stringify(found)}`);
}

/** Throws unless two lists have the same items. */
export function same(found: readonly string[], wanted: readonly string[], what: string): void {
  must(JSON.stringify([...found].sort()) === JSON.stringify([...wanted].sort()), what, { found, wanted });
}

/** Time limit for hosts to agree after one of them was killed, milliseconds. */
const SETTLE_MS = 10_000;
/** Time limit for a reply, milliseconds: a request that is never answered is a failure. */
const REPLY_MS = 60_000;

/** Calls `check` until it passes, for what takes hosts a moment. */
export async function eventually(check: () => Promise<void> | void): Promise<void> {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (!(error instanceof StateFailure) || performance.now() > end) throw error;
      await delay(50);
    }
  }
}

/** Clocks of hosts, milliseconds ahead of this computer's. */
const CLOCK_SHIFTS = [0, 3_600_000, -3_600_000, 40 * 86_400_000, -40 * 86_400_000];

/** The data folder, the hosts that share it, and the hub. */
export class World {
  readonly home = mkdtempSync(join(tmpdir(), 'tabagent-state-'));
  readonly hub: TestHub;
  readonly #hosts = new Array<HostProcess | undefined>(HOSTS).fill(undefined);
  #stalls = false;
  #clock = 0;

  private constructor(hub: TestHub) {
    this.hub = hub;
    configure(this.home);
  }

  static async open(): Promise<World> {
    return new World(await startModelHub());
  }

  /** Whether downloads stall after their first bytes. */
  get stalls(): boolean {
    return this.#stalls;
  }

  set stalls(stalls: boolean) {
    this.#stalls = stalls;
    setStalls(this.hub, stalls);
  }

  /** Returns a running host. */
  host(slot: number): HostProcess | undefined {
    return this.#hosts[slot];
  }

  /** The running hosts. */
  get running(): HostProcess[] {
    return this.#hosts.filter((host) => host !== undefined);
  }

  start(slot: number): HostProcess {
    const host = startHost(this.home, this.hub, CLOCK_SHIFTS[this.#clock % CLOCK_SHIFTS.length] ?? 0);
    this.#hosts[slot] = host;
    return host;
  }

  /** Returns a running host, starting one if none is. */
  any(): HostProcess {
    return this.running[0] ?? this.start(0);
  }

  /** Changes the clock of hosts that are started from now on. */
  moveClock(): void {
    this.#clock += 1;
  }

  async kill(slot: number): Promise<void> {
    const host = this.#hosts[slot];
    this.#hosts[slot] = undefined;
    await host?.kill();
  }

  async closeHost(slot: number): Promise<void> {
    const host = this.#hosts[slot];
    this.#hosts[slot] = undefined;
    const exit = await host?.close();
    must(exit === undefined || exit.code === 0, 'A host whose input ends exits with 0', exit);
  }

  async close(): Promise<void> {
    for (const slot of this.#hosts.keys()) await this.kill(slot);
    await this.hub.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Sends a request. A host that crashes or breaks its declarations fails the run. */
export async function send(host: HostProcess, action: string, fields: Message = {}): Promise<Message> {
  const reply = await host.request(action, fields).catch((error: unknown) => {
    throw new StateFailure(`${action}: ${String(error)}`);
  });
  must(reply.code !== 'INTERNAL_ERROR', `${action} is answered without an internal error`, reply);
  return reply;
}

/** Waits for a reply. A request that is not answered fails the run. */
export async function answered(reply: Promise<Message>, what: string): Promise<Message> {
  const timer = new AbortController();
  const timeout = delay(REPLY_MS, undefined, { signal: timer.signal }).then(() => {
    throw new StateFailure(`${what} is answered`);
  });
  try {
    return await Promise.race([reply, timeout]);
  } finally {
    timer.abort();
    timeout.catch(() => {});
  }
}

/** Sends a request and waits for its reply. */
export function ask(host: HostProcess, action: string, fields: Message = {}): Promise<Message> {
  return answered(send(host, action, fields), `${action} ${JSON.stringify(fields)}`);
}

/** Sends a request that must succeed, and returns its payload. */
export async function get(host: HostProcess, action: string, fields: Message = {}): Promise<Message> {
  const reply = await ask(host, action, fields);
  must(reply.status === 'success', `${action} ${JSON.stringify(fields)} succeeds`, reply);
  return reply.payload;
}

/** Returns every item of a list, page by page. */
export async function all(host: HostProcess, action: string, field: string): Promise<Message[]> {
  const items: Message[] = [];
  let cursor: string | undefined;
  do {
    const payload = await get(host, action, cursor === undefined ? {} : { cursor });
    items.push(...payload[field]);
    cursor = payload.nextCursor;
  } while (cursor !== undefined);
  return items;
}
