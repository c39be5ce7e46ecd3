import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError, isSystemError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { type FoundLmStudio, findLmStudio } from './find-lms.ts';
import { isLmStudioAt } from './greeting.ts';
import { readConfiguredPort, readFirstLoaded, readServerStatus, type ServerStatus } from './lms-answers.ts';
import { failed, type LmsResult, runLms } from './run-lms.ts';

/** The default port of LM Studio's server. */
const DEFAULT_PORT = 1234;

/** Time limit of an `lms` command, in milliseconds. */
const COMMAND_MS = 15_000;

/**
 * Time limit for starting the server, in milliseconds. `lms` may have to start LM Studio first, for which it waits 10 s
 * and more.
 */
const START_MS = 60_000;

/** Maximum size of LM Studio's settings file, in bytes. */
const MAX_CONFIG_BYTES = 64 * 1024;

/** The state of LM Studio on this computer. */
export interface LmStudioStatus {
  readonly installed: boolean;
  /** Whether the command `lms` exists, which LM Studio creates when it is first started. */
  readonly bootstrapped: boolean;
  readonly serverRunning: boolean;
  /** The address of its server; undefined if it is not running. */
  readonly apiEndpoint: string | undefined;
  /** The first of its loaded models; undefined if there is none. */
  readonly currentModel: string | undefined;
  readonly lmsPath: string | undefined;
}

/** Controls LM Studio with its command `lms` and through its server on this computer. */
export class LmStudio {
  readonly #env: Readonly<NodeJS.ProcessEnv>;
  readonly #log: Logger;

  constructor(env: Readonly<NodeJS.ProcessEnv>, log: Logger) {
    this.#env = env;
    this.#log = log;
  }

  /** Returns the state of LM Studio. @throws HostError `UNSAFE_FOLDER`, `LMSTUDIO_FAILED`; the signal's reason. */
  async status(signal: AbortSignal): Promise<LmStudioStatus> {
    const found = await findLmStudio(this.#env);
    const lms = found?.lms;
    const none = { serverRunning: false, apiEndpoint: undefined, currentModel: undefined };
    if (lms === undefined) return { installed: found !== undefined, bootstrapped: false, lmsPath: undefined, ...none };
    const { running, port } = await this.#serverStatus(lms, signal);
    const installation = { installed: true, bootstrapped: true, lmsPath: lms };
    if (!running) return { ...installation, ...none };
    // Only while the server is running: otherwise, this command may start LM Studio.
    const loaded = await this.#run(lms, ['ps', '--json'], COMMAND_MS, signal);
    return {
      ...installation,
      serverRunning: true,
      apiEndpoint: endpointAt(port),
      currentModel: readFirstLoaded(loaded.stdout),
    };
  }

  /**
   * Starts the server, and LM Studio if needed. Resolves with the server's address when it is running.
   *
   * @throws HostError `LMSTUDIO_NOT_INSTALLED`, `LMSTUDIO_FAILED`, `UNSAFE_FOLDER`.
   */
  async start(signal: AbortSignal): Promise<string> {
    const lms = await this.#lms();
    const before = await this.#serverStatus(lms, signal);
    if (before.running) return endpointAt(before.port);
    const args = ['server', 'start'];
    const result = await this.#run(lms, args, START_MS, signal);
    const after = await this.#serverStatus(lms, signal);
    if (!after.running) throw failed(args, `did not start the server${messageOf(result)}`);
    return endpointAt(after.port);
  }

  /** Stops the server if it is running. Throws as {@link start}. */
  async stop(signal: AbortSignal): Promise<void> {
    const lms = await this.#lms();
    if (!(await this.#serverStatus(lms, signal)).running) return;
    const args = ['server', 'stop'];
    const result = await this.#run(lms, args, COMMAND_MS, signal);
    if ((await this.#serverStatus(lms, signal)).running)
      throw failed(args, `did not stop the server${messageOf(result)}`);
  }

  /** Returns the address of its server; undefined if it is not running. Does not use `lms`, so it is fast. */
  async runningEndpoint(): Promise<string | undefined> {
    const found = await findLmStudio(this.#env);
    if (found === undefined) return undefined;
    const port = await configuredPort(found);
    return (await isLmStudioAt(port)) ? endpointAt(port) : undefined;
  }

  async #lms(): Promise<string> {
    const found = await findLmStudio(this.#env);
    if (found?.lms !== undefined) return found.lms;
    const isInstalled = found !== undefined;
    throw new HostError(
      'LMSTUDIO_NOT_INSTALLED',
      isInstalled ? 'LM Studio has not been set up yet. Start it once, then try again.' : 'LM Studio is not installed',
      { details: { installed: isInstalled, bootstrapped: false } },
    );
  }

  async #serverStatus(lms: string, signal: AbortSignal): Promise<ServerStatus> {
    const args = ['server', 'status', '--json', '--quiet'];
    const result = await this.#run(lms, args, COMMAND_MS, signal);
    const status = readServerStatus(result.stdout);
    if (status === undefined) throw failed(args, `did not report the server status${messageOf(result)}`);
    return status;
  }

  async #run(lms: string, args: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<LmsResult> {
    const result = await runLms(lms, args, { env: this.#env, timeoutMs, signal });
    this.#log.info('lmstudio.lms', { args, code: result.code });
    return result;
  }
}

function endpointAt(port = DEFAULT_PORT): string {
  return `http://127.0.0.1:${port}/v1`;
}

/** Returns the last line of the output of `lms`, as part of an error message. */
function messageOf({ stderr, stdout, code }: LmsResult): string {
  const lastLine = (stderr.trim() || stdout.trim()).split('\n').at(-1) ?? '';
  const clean = lastLine.replace(/[\p{C}\s]+/gu, ' ').trim();
  return clean === '' ? ` (exit code ${code})` : `. Its message: ${clean.slice(0, 300).replace(/\.$/, '')}`;
}

async function configuredPort({ home }: FoundLmStudio): Promise<number> {
  if (home === undefined) return DEFAULT_PORT;
  const file = join(home, '.internal', 'http-server-config.json');
  try {
    if ((await stat(file)).size > MAX_CONFIG_BYTES) return DEFAULT_PORT;
    return readConfiguredPort(await readFile(file, 'utf8')) ?? DEFAULT_PORT;
  } catch (error) {
    // The file does not exist if the server has never been started.
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EISDIR')) return DEFAULT_PORT;
    throw error;
  }
}
