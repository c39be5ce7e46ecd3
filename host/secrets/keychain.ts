import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { HostError } from '../common/errors.ts';
import { isJsonObject } from '../common/json.ts';
import { KEYCHAIN_ARGUMENT } from './keychain-argument.ts';
import type { KeychainRequest } from './keychain-request.ts';

/**
 * Time limit of a keychain request, in milliseconds: enough for the user to enter a password if the keychain requires
 * one.
 */
export const KEYCHAIN_TIMEOUT_MS = 30_000;

/** Options of a {@link Keychain}. */
export interface KeychainOptions {
  /** The module with which the keychain process is started; see `HostConfig.runnerEntry`. */
  readonly entry: URL;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** @default {@link KEYCHAIN_TIMEOUT_MS} */
  readonly timeoutMs?: number;
  /** Returns the error if no program may be started from the host's folder; otherwise undefined. */
  readonly refusal?: () => Promise<HostError | undefined>;
}

/**
 * The system keychain. Each request runs in a separate process, so a keychain that hangs or crashes does not affect the
 * host.
 */
export class Keychain {
  readonly #options: KeychainOptions;

  constructor(options: KeychainOptions) {
    this.#options = options;
  }

  /**
   * Returns the secret of an entry; undefined if the entry does not exist.
   *
   * @throws HostError `KEYCHAIN_UNAVAILABLE`, like all methods, if there is no keychain, it is locked, or it did not
   * respond in time.
   */
  async get(account: string): Promise<string | undefined> {
    return (await this.#request({ do: 'get', account })) ?? undefined;
  }

  async set(account: string, value: string): Promise<void> {
    await this.#request({ do: 'set', account, value });
  }

  /** Removes an entry, if it exists. */
  async delete(account: string): Promise<void> {
    await this.#request({ do: 'delete', account });
  }

  async #request(request: KeychainRequest): Promise<string | null> {
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
    // If the process exits before it has read its input, its output shows that.
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(request));
    const [output] = await Promise.all([buffer(child.stdout), started.promise]);
    if (child.signalCode !== null) throw unavailable(`it did not respond within ${timeoutMs / 1000} seconds`);
    return parseReply(output.toString('utf8'));
  }
}

function parseReply(text: string): string | null {
  let reply: unknown;
  try {
    reply = JSON.parse(text);
  } catch {
    // The message does not contain the output, which may include a secret.
    throw unavailable('its background process failed');
  }
  if (!isJsonObject(reply)) throw unavailable('its background process failed');
  if (typeof reply.error === 'string') throw unavailable(reply.error);
  return typeof reply.value === 'string' ? reply.value : null;
}

function unavailable(reason: string): HostError {
  return new HostError(
    'KEYCHAIN_UNAVAILABLE',
    `The system keychain is not available: ${reason}. Unlock it, or add the token or key again.`,
    { details: { reason } },
  );
}
