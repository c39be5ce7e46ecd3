import { execFile } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ancestors } from '../../common/ancestors.ts';
import { findProgram } from '../../common/find-program.ts';
import { bubblewrap, endingWithHost } from './bubblewrap.ts';
import { gpuDevices } from './gpu-devices.ts';
import type { Command, Sandbox, SandboxKind, Visible } from './sandbox.ts';
import { sandboxExec } from './sandbox-exec.ts';

/** Longest time that `setpriv --help` may take, milliseconds. */
const HELP_TIMEOUT_MS = 5_000;

/** Whether and how runners are contained, for people. */
export interface ContainmentStatus {
  /** Undefined where runners are not contained. */
  readonly kind: SandboxKind | undefined;
  /** Why runners are not contained; completes "… because …". */
  readonly reason: string | undefined;
}

/**
 * How the processes of models are started: in a sandbox if the system has one that works, and so that they end with the
 * host.
 */
export class Containment {
  #sandbox: Sandbox | undefined;
  #reason: string | undefined;
  readonly #setpriv: string | undefined;

  constructor(options: { sandbox?: Sandbox | undefined; reason?: string | undefined; setpriv?: string | undefined }) {
    this.#sandbox = options.sandbox;
    this.#reason = options.reason;
    this.#setpriv = options.setpriv;
  }

  get status(): ContainmentStatus {
    return { kind: this.#sandbox?.kind, reason: this.#reason };
  }

  /** Whether runners are started in a sandbox. */
  get isActive(): boolean {
    return this.#sandbox !== undefined;
  }

  /** Starts no more runners in the sandbox: it does not work here. */
  giveUp(reason: string): void {
    this.#sandbox = undefined;
    this.#reason = reason;
  }

  /** Returns the command that starts a runner which sees only what is given. */
  wrap(command: Command, visible: Visible): Command {
    return this.#sandbox?.wrap(command, visible) ?? this.wrapPlainly(command);
  }

  /** The same without a sandbox. */
  wrapPlainly(command: Command): Command {
    return this.#setpriv === undefined ? command : endingWithHost(this.#setpriv, command);
  }
}

/** What decides how runners are started. */
export interface ContainmentOptions {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The module that runners start with. */
  readonly entry: URL;
  /** The data folder. */
  readonly home: string;
  /** @default process.platform */
  readonly platform?: NodeJS.Platform;
}

/**
 * Finds out what this system offers. Whether it works is known once the first runner has started (see `RunnerStarter`).
 */
export async function findContainment(options: ContainmentOptions): Promise<Containment> {
  const { env, entry, home, platform = process.platform } = options;
  const setpriv = platform === 'linux' ? await findSetpriv(env) : undefined;
  const none = (reason: string) => new Containment({ reason, setpriv });
  if (env.TABAGENT_SANDBOX?.toLowerCase() === 'off') return none('TABAGENT_SANDBOX is off');
  const runtime = runtimePaths(fileURLToPath(entry));
  if (platform === 'darwin') {
    // The temporary folder and that of caches are neighbors (confstr(3)).
    const driverCache = env.TMPDIR === undefined ? undefined : join(real(dirname(env.TMPDIR)), 'C');
    return new Containment({ sandbox: sandboxExec({ runtime, program: process.execPath, driverCache }) });
  }
  if (platform !== 'linux') return none('this system offers no sandbox that a program can use on its own');
  const program = findProgram('bwrap', { env });
  if (program === undefined) return none('bubblewrap is not installed');
  const devices = gpuDevices();
  const driverCache = devices.length === 0 ? undefined : join(home, 'gpu-cache');
  if (driverCache !== undefined) await mkdir(driverCache, { recursive: true, mode: 0o700 }).catch(() => undefined);
  return new Containment({ sandbox: bubblewrap({ program, runtime, devices, driverCache }), setpriv });
}

/** Old versions of `setpriv` cannot do what it is for here (util-linux before 2.33, BusyBox). */
async function findSetpriv(env: Readonly<NodeJS.ProcessEnv>): Promise<string | undefined> {
  const program = findProgram('setpriv', { env });
  if (program === undefined) return undefined;
  const help = await promisify(execFile)(program, ['--help'], { timeout: HELP_TIMEOUT_MS }).catch(() => undefined);
  return help?.stdout.includes('--pdeathsig') === true ? program : undefined;
}

/** Files and folders that a runner needs: Node.js, the host's code and llama.cpp's binaries. */
function runtimePaths(main: string): string[] {
  const program = process.execPath;
  const prefix = dirname(dirname(program));
  // Some builds of Node.js have their libraries beside them.
  const node = [program, ...(basename(dirname(program)) === 'bin' ? [join(prefix, 'lib')] : [])];
  if (main === program) return [...node, join(dirname(main), 'lib')];
  const folders = [...ancestors(dirname(main))];
  const root = folders.find((folder) => existsSync(join(folder, 'package.json')));
  const binaries = folders.map((folder) => join(folder, 'node_modules', '@node-llama-cpp')).filter(existsSync);
  // Source files need all packages; what was built needs only the binaries, which some package managers link.
  const code =
    root === undefined || main.endsWith('.ts') ? [root ?? dirname(main)] : [dirname(main), join(root, 'package.json')];
  return [...node, ...code, ...binaries, ...binaries.flatMap(linkedPackages)];
}

function linkedPackages(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => real(join(folder, name)))
    .filter((path) => dirname(path) !== folder);
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
