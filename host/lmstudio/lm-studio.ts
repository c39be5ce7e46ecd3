import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError, isSystemError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { type FoundLmStudio, findLmStudio } from './find-lms.ts';
import { greets } from './greeting.ts';
import { readConfiguredPort, readFirstLoaded, readServerStatus, type ServerStatus } from './lms-answers.ts';
import { failed, type LmsResult, runLms } from './run-lms.ts';

/** The default port of LM Studio's server. */
const DEFAULT_PORT = 1234;

/** Longest an `lms` command may take, in milliseconds. */
const COMMAND_MS = 15_000;

/**
 * Longest it may take to start the server: it may have to start LM Studio first, which it allows 10 s and more, in
 * milliseconds.
 */
const START_MS = 60_000;

/** Largest settings file of LM Studio that is read, in bytes. */
const MAX_CONFIG_BYTES = 64 * 1024;

/** The state of LM Studio on this machine. */
export interface LmStudioStatus {
  readonly installed: boolean;
  /** The command `lms` exists: LM Studio has been started once. */
  readonly bootstrapped: boolean;
  readonly serverRunning: boolean;
  /** The address of its server; undefined while it does not run. */
  readonly apiEndpoint: string | undefined;
  /** The first of its loaded models. */
  readonly currentModel: string | undefined;
  readonly lmsPath: string | undefined;
}

/** LM Studio, through its command `lms` and its server on this machine. */
export class LmStudio {
  readonly #env: Readonly<NodeJS.ProcessEnv>;
  readonly #log: Logger;

  constructor(env: Readonly<NodeJS.ProcessEnv>, log: Logger) {
    this.#env = env;
    this.#log = log;
  }

  /** @throws HostError `UNSAFE_FOLDER`, `LMSTUDIO_FAILED`; the signal's reason when aborted. */
  async status(signal: AbortSignal): Promise<LmStudioStatus> {
    const found = await findLmStudio(this.#env);
    const lms = found?.lms;
    const none = { serverRunning: false, apiEndpoint: undefined, currentModel: undefined };
    if (lms === undefined) return { installed: found !== undefined, bootstrapped: false, lmsPath: undefined, ...none };
    const { running, port } = await this.#serverStatus(lms, signal);
    const there = { installed: true, bootstrapped: true, lmsPath: lms };
    if (!running) return { ...there, ...none };
    // Only while the server runs: otherwise this command may start LM Studio.
    const loaded = await this.#run(lms, ['ps', '--json'], COMMAND_MS, signal);
    return {
      ...there,
      serverRunning: true,
      apiEndpoint: endpointAt(port),
      currentModel: readFirstLoaded(loaded.stdout),
    };
  }

  /**
   * Starts the server, and LM Studio where it must; resolves with its address once it runs.
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
    if (!after.running) throw failed(args, `did not start the server${wordsOf(result)}`);
    return endpointAt(after.port);
  }

  /** Stops the server. One that does not run is stopped already. Throws as {@link start}. */
  async stop(signal: AbortSignal): Promise<void> {
    const lms = await this.#lms();
    if (!(await this.#serverStatus(lms, signal)).running) return;
    const args = ['server', 'stop'];
    const result = await this.#run(lms, args, COMMAND_MS, signal);
    if ((await this.#serverStatus(lms, signal)).running)
      throw failed(args, `did not stop the server${wordsOf(result)}`);
  }

  /** The address of its server where that runs now, found without its command: quick enough for a list. */
  async runningEndpoint(): Promise<string | undefined> {
    const found = await findLmStudio(this.#env);
    if (found === undefined) return undefined;
    const port = await configuredPort(found);
    return (await greets(port)) ? endpointAt(port) : undefined;
  }

  async #lms(): Promise<string> {
    const found = await findLmStudio(this.#env);
    if (found?.lms !== undefined) return found.lms;
    const isThere = found !== undefined;
    throw new HostError(
      'LMSTUDIO_NOT_INSTALLED',
      isThere ? 'LM Studio has not been set up yet. Start it once, then try again.' : 'LM Studio is not installed',
      { details: { installed: isThere, bootstrapped: false } },
    );
  }

  async #serverStatus(lms: string, signal: AbortSignal): Promise<ServerStatus> {
    const args = ['server', 'status', '--json', '--quiet'];
    const result = await this.#run(lms, args, COMMAND_MS, signal);
    const status = readServerStatus(result.stdout);
    if (status === undefined) throw failed(args, `did not report the server status${wordsOf(result)}`);
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

/** The last line of its output, for an error. */
function wordsOf({ stderr, stdout, code }: LmsResult): string {
  const said = (stderr.trim() || stdout.trim()).split('\n').at(-1) ?? '';
  const clean = said.replace(/[\p{C}\s]+/gu, ' ').trim();
  return clean === '' ? ` (exit code ${code})` : `. Its message: ${clean.slice(0, 300).replace(/\.$/, '')}`;
}

async function configuredPort({ home }: FoundLmStudio): Promise<number> {
  if (home === undefined) return DEFAULT_PORT;
  const file = join(home, '.internal', 'http-server-config.json');
  try {
    if ((await stat(file)).size > MAX_CONFIG_BYTES) return DEFAULT_PORT;
    return readConfiguredPort(await readFile(file, 'utf8')) ?? DEFAULT_PORT;
  } catch (error) {
    // Its server may never have run.
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EISDIR')) return DEFAULT_PORT;
    throw error;
  }
}
