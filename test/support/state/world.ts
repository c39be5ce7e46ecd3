import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isSystemError } from '../../../host/common/errors.ts';
import { collectOutput, startCommand } from '../cli/run-command.ts';
import type { HostProcess, Message } from '../host/host-process.ts';
import type { TestHub } from '../hub/hub.ts';
import { configure, setStalls, startHost, startModelHub } from './shared-folder.ts';
import { HOSTS } from './steps.ts';

/** Thrown if an expectation about the state is not met. */
export class StateFailure extends Error {}

/**
 * Throws a {@link StateFailure} unless the condition is met.
 *
 * @param what The expectation, for the failure message.
 * @param found The actual value, for the failure message.
 */
export function must(condition: boolean, what: string, found?: unknown): asserts condition {
  if (!condition) throw new StateFailure(found === undefined ? what : `${what}; found ${JSON.stringify(found)}`);
}

/** Throws a {@link StateFailure} unless two lists have the same items, in any order. */
export function same(found: readonly string[], expected: readonly string[], what: string): void {
  must(JSON.stringify([...found].sort()) === JSON.stringify([...expected].sort()), what, { found, expected });
}

/** Time limit for hosts to agree after one of them was killed, in milliseconds. */
const SETTLE_MS = 10_000;
/** Time limit for a reply, in milliseconds. */
const REPLY_MS = 60_000;

/** Calls `check` until it passes, because hosts need a moment to agree. Throws its failure after {@link SETTLE_MS}. */
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

/** A folder in memory, so that a move to it copies files. */
const MEMORY = '/dev/shm';

/** Shifts of the hosts' clocks, in milliseconds. */
const CLOCK_SHIFTS = [0, 3_600_000, -3_600_000, 40 * 86_400_000, -40 * 86_400_000];

/** The data folder, the hosts that share it, and the hub. */
export class World {
  readonly home = mkdtempSync(join(tmpdir(), 'tabagent-state-'));
  /** A folder, on another disk where there is one, that the cache is moved to and back from. */
  readonly elsewhere = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'tabagent-state-cache-'));
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

  /** Returns the host in a slot; undefined if it is not running. */
  host(slot: number): HostProcess | undefined {
    return this.#hosts[slot];
  }

  /** The folder that contains the models and unfinished downloads. */
  get cacheFolder(): string {
    try {
      return JSON.parse(readFileSync(join(this.home, 'cache-place.json'), 'utf8')).folder;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return this.home;
      throw error;
    }
  }

  /**
   * Moves the cache to the other folder, as the command line does, and returns the exit code.
   *
   * @param killAfterMs When the command is killed; undefined for never.
   */
  async moveCache(killAfterMs?: number): Promise<number | null> {
    const to = this.cacheFolder === this.home ? this.elsewhere : this.home;
    const command = startCommand(['move', to], { home: this.home });
    const end = collectOutput(command);
    if (killAfterMs !== undefined) {
      await Promise.race([delay(killAfterMs), end]);
      command.kill('SIGKILL');
    }
    return (await end).code;
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

  /** Returns a running host. Starts one if there is none. */
  any(): HostProcess {
    return this.running[0] ?? this.start(0);
  }

  /** Changes the clock of hosts that are started later. */
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
    must(exit === undefined || exit.code === 0, 'a host exits with code 0 when its input ends', exit);
  }

  async close(): Promise<void> {
    for (const slot of this.#hosts.keys()) await this.kill(slot);
    await this.hub.close();
    for (const folder of [this.home, this.elsewhere]) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Sends a request. The run fails if the host crashes, replies with an internal error, or violates the declarations,
 * unless nobody waits for the reply because the host was killed.
 */
export function send(host: HostProcess, action: string, fields: Message = {}): Promise<Message> {
  const reply = replyTo(host, action, fields);
  reply.catch(() => {});
  return reply;
}

async function replyTo(host: HostProcess, action: string, fields: Message): Promise<Message> {
  const reply = await host.request(action, fields).catch((error: unknown) => {
    throw new StateFailure(`${action}: ${String(error)}`);
  });
  must(reply.code !== 'INTERNAL_ERROR', `${action} does not fail with an internal error`, reply);
  return reply;
}

/** Waits for a reply. The run fails if it takes longer than {@link REPLY_MS}. */
export async function withReplyTimeout(reply: Promise<Message>, what: string): Promise<Message> {
  const timer = new AbortController();
  const timeout = delay(REPLY_MS, undefined, { signal: timer.signal }).then(() => {
    throw new StateFailure(`${what} receives a reply`);
  });
  try {
    return await Promise.race([reply, timeout]);
  } finally {
    timer.abort();
    timeout.catch(() => {});
  }
}

/** Sends a request and waits for its reply. */
export function request(host: HostProcess, action: string, fields: Message = {}): Promise<Message> {
  return withReplyTimeout(send(host, action, fields), `${action} ${JSON.stringify(fields)}`);
}

/** Sends a request that must succeed, and returns its payload. */
export async function get(host: HostProcess, action: string, fields: Message = {}): Promise<Message> {
  const reply = await request(host, action, fields);
  must(reply.status === 'success', `${action} ${JSON.stringify(fields)} succeeds`, reply);
  return reply.payload;
}

/** Returns all items of a paginated list. */
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
