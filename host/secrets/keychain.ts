import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { HostError } from '../common/errors.ts';
import { isJsonObject } from '../common/json.ts';
import { KEYCHAIN_ARGUMENT } from './keychain-argument.ts';
import type { KeychainRequest } from './keychain-request.ts';

/** Longest a keychain may take, milliseconds: time for its user to type a password, where it asks for one. */
export const KEYCHAIN_TIMEOUT_MS = 30_000;

/** What a {@link Keychain} is reached with. */
export interface KeychainOptions {
  /** What the host's own program is started with; see `HostConfig.runnerEntry`. */
  readonly entry: URL;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** @default {@link KEYCHAIN_TIMEOUT_MS} */
  readonly timeoutMs?: number;
  /** Why nothing may be started from where the host lies; undefined when it may. */
  readonly refusal?: () => Promise<HostError | undefined>;
}

/** The system's keychain, asked by a process of its own each time: one that hangs or dies takes nothing with it. */
export class Keychain {
  readonly #options: KeychainOptions;

  constructor(options: KeychainOptions) {
    this.#options = options;
  }

  /**
   * The secret of an entry; undefined where there is none.
   *
   * @throws HostError `KEYCHAIN_UNAVAILABLE`, like all here: none on this machine, locked, or no answer in time.
   */
  async get(account: string): Promise<string | undefined> {
    return (await this.#ask({ do: 'get', account })) ?? undefined;
  }

  async set(account: string, value: string): Promise<void> {
    await this.#ask({ do: 'set', account, value });
  }

  /** Removes an entry, if it is there. */
  async delete(account: string): Promise<void> {
    await this.#ask({ do: 'delete', account });
  }

  async #ask(order: KeychainRequest): Promise<string | null> {
    const { entry, env, refusal, timeoutMs = KEYCHAIN_TIMEOUT_MS } = this.#options;
    const refused = await refusal?.();
    if (refused !== undefined) throw unavailable(refused.message);
    const main = fileURLToPath(entry);
    const child = spawn(process.execPath, [...(main === process.execPath ? [] : [main]), KEYCHAIN_ARGUMENT], {
      cwd: dirname(process.execPath),
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
      windowsHide: true,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const started = Promise.withResolvers<void>();
    child.once('error', () => started.reject(unavailable('its background process could not be started')));
    child.once('exit', () => started.resolve());
    // A process that ended before it read says so by its output.
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(order));
    const [output] = await Promise.all([buffer(child.stdout), started.promise]);
    if (child.signalCode !== null) throw unavailable(`it did not respond within ${timeoutMs / 1000} seconds`);
    return valueIn(output.toString('utf8'));
  }
}

function valueIn(text: string): string | null {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    // Not shown: it may hold a secret.
    throw unavailable('its background process failed');
  }
  if (!isJsonObject(answer)) throw unavailable('its background process failed');
  if (typeof answer.error === 'string') throw unavailable(answer.error);
  return typeof answer.value === 'string' ? answer.value : null;
}

function unavailable(reason: string): HostError {
  return new HostError(
    'KEYCHAIN_UNAVAILABLE',
    `The system keychain is not available: ${reason}. Unlock it, or add the token or key again.`,
    { details: { reason } },
  );
}
