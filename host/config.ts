import { join, resolve } from 'node:path';
import { HostError } from './common/errors.ts';
import { invalidVariable } from './common/host-errors.ts';
import { parseSize } from './common/parse-size.ts';
import { ownFolders, platformOf } from './common/platform.ts';
import { programFolder } from './configuration/program-folder.ts';
import { readSavedEnvironment } from './configuration/saved-environment.ts';

/** One mebibyte, in bytes. */
const MiB = 1024 * 1024;

/**
 * The configuration of a host: its paths, the hub, and limits. `main.ts` creates it once and passes it to everything
 * else; tests create it with other values. No other module reads the environment.
 */
export interface HostConfig {
  readonly paths: HostPaths;
  /** The hub's address, without a trailing slash. */
  readonly hubEndpoint: string;
  /** The environment variables for tokens, proxies and Hugging Face conventions. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Entry module of runner processes: `dist/host/main.js`, or `host/main.ts` in development. */
  readonly runnerEntry: URL;
  readonly limits: HostLimits;
  /** Whether to store secrets in the system keychain if there is one, instead of a file. */
  readonly keychain: boolean;
  /** Whether to write the log to stderr as well. */
  readonly debug: boolean;
}

/** The paths that a host writes to. All of them are in `home`. */
export interface HostPaths {
  readonly home: string;
  /** Verified model files: `models/<owner>/<repo>/<file>`. */
  readonly models: string;
  /** Unfinished downloads: sparse partial files. */
  readonly partial: string;
  /** Saved states of evaluated prompts. Only the user can read the folder. */
  readonly states: string;
  /** Contains an empty file for each pinned model. Pinned models are never evicted. */
  readonly pins: string;
  /** Lock files. They are locked through the operating system, which releases a lock when its process ends. */
  readonly locks: string;
  /** SQLite: download index, settings, and the user's catalog entries. */
  readonly database: string;
  /**
   * SQLite: conversations. They have a separate file because everything in the other database can be restored or
   * downloaded again.
   */
  readonly conversations: string;
  /** Contains a file for each running host that has loaded models. Other hosts read it. */
  readonly hosts: string;
  /** Tokens and keys that the user saved. Only the user can read the file. */
  readonly secrets: string;
  /** API key of the server. Only the user can read the file. */
  readonly serveKey: string;
  readonly logFile: string;
}

/** The limits of a host. Limits of the protocol are in `protocol/limits.ts`. */
export interface HostLimits {
  /** Size of a chunk in bytes. Files are downloaded, resumed, verified and repaired in chunks. */
  readonly chunkBytes: number;
  /** Time in milliseconds after which a connection that receives nothing is closed. The download continues. */
  readonly stallTimeoutMs: number;
  /** Time limit for connecting and receiving the response headers, in milliseconds. */
  readonly connectTimeoutMs: number;
  /**
   * Time limit for a request to the hub about a repository or file, in milliseconds. It covers all attempts, but not
   * the delays that the hub requests.
   */
  readonly answerTimeoutMs: number;
  /** Maximum number of attempts for a request. After the last one, its error is reported. */
  readonly maxAttempts: number;
  /** Delay before the first retry of a request, in milliseconds. It doubles with each further retry. */
  readonly retryBaseMs: number;
  /** Initial number of connections of a download. It is then adapted to the throughput. */
  readonly connectionsAtFirst: number;
  /** Maximum number of connections of a download. */
  readonly connections: number;
  /**
   * Interval in milliseconds at which a download records the progress of incomplete chunks. If the process is killed,
   * at most this much progress is lost.
   */
  readonly recordPartialMs: number;
  /** Maximum speed of all downloads together, in bytes per second; undefined for no limit. */
  readonly maxBytesPerSecond: number | undefined;
  /** Disk space for saved states of evaluated prompts, in bytes; 0 saves none. */
  readonly promptCacheBytes: number;
  /** Time in milliseconds after which a load that reports no progress fails. */
  readonly loadTimeoutMs: number;
  /** Time in milliseconds after the end of the input before pending work is aborted. */
  readonly shutdownGraceMs: number;
  /** Total size in bytes of the queued replies at which the host stops reading requests. */
  readonly maxQueuedReplyBytes: number;
}

/**
 * Default limits. The chunk size is the original's 5 MB, rounded to 5 MiB. The stall timeout of 20 s is longer than the
 * usual interruptions of a CDN server, yet short enough for a user to wait. Firefox kills a host 3 s after closing its
 * input: half of that time is for pending work, the rest for sending replies and closing the services.
 */
export const DEFAULT_LIMITS: HostLimits = {
  chunkBytes: 5 * MiB,
  stallTimeoutMs: 20_000,
  connectTimeoutMs: 15_000,
  answerTimeoutMs: 120_000,
  maxAttempts: 6,
  retryBaseMs: 500,
  connectionsAtFirst: 8,
  connections: 16,
  recordPartialMs: 2_000,
  maxBytesPerSecond: undefined,
  // A long conversation with a model of 8 billion parameters needs about 1 GB.
  promptCacheBytes: 4096 * MiB,
  loadTimeoutMs: 120_000,
  shutdownGraceMs: 1_500,
  maxQueuedReplyBytes: 8 * MiB,
};

/** The default of `HF_ENDPOINT`. */
const DEFAULT_HUB = 'https://huggingface.co';

/**
 * Reads the configuration from the environment variables that `docs/configuration.md` describes.
 *
 * @throws HostError `INVALID_REQUEST` if a variable has an invalid value.
 */
export function readConfig(options: {
  runnerEntry: URL;
  env?: Readonly<NodeJS.ProcessEnv>;
  limits?: Partial<HostLimits>;
}): HostConfig {
  const { home, env } = withSavedEnvironment(options.env ?? process.env);
  return {
    paths: hostPaths(home),
    hubEndpoint: readEndpoint(env.HF_ENDPOINT),
    env,
    runnerEntry: options.runnerEntry,
    limits: {
      ...DEFAULT_LIMITS,
      stallTimeoutMs: readMilliseconds(env, 'TABAGENT_STALL_TIMEOUT_MS', DEFAULT_LIMITS.stallTimeoutMs),
      loadTimeoutMs: readMilliseconds(env, 'TABAGENT_LOAD_TIMEOUT_MS', DEFAULT_LIMITS.loadTimeoutMs),
      promptCacheBytes: readSize(env, 'TABAGENT_PROMPT_CACHE', DEFAULT_LIMITS.promptCacheBytes),
      connections: readCount(env, 'TABAGENT_MAX_CONNECTIONS', DEFAULT_LIMITS.connections, 64),
      ...readSpeed(env, 'TABAGENT_MAX_BYTES_PER_SECOND'),
      ...options.limits,
    },
    keychain: env.TABAGENT_KEYCHAIN !== 'off',
    debug: env.TABAGENT_DEBUG === '1',
  };
}

function hostPaths(home: string): HostPaths {
  return {
    home,
    models: join(home, 'models'),
    partial: join(home, 'partial'),
    states: join(home, 'prompt-cache'),
    pins: join(home, 'pins'),
    locks: join(home, 'locks'),
    database: join(home, 'tabagent.sqlite'),
    conversations: join(home, 'conversations.sqlite'),
    hosts: join(home, 'hosts'),
    secrets: join(home, 'secrets.json'),
    serveKey: join(home, 'serve-key'),
    logFile: join(home, 'logs', 'host.log'),
  };
}

/**
 * Returns the data folder, and the environment including the variables that `tabagent install` saved. Variables of the
 * environment, even empty ones, take precedence over those saved for the user, which take precedence over those saved
 * for all users.
 */
function withSavedEnvironment(given: Readonly<NodeJS.ProcessEnv>): { home: string; env: Readonly<NodeJS.ProcessEnv> } {
  const fallback = defaultHome(given);
  const named = given.TABAGENT_HOME ?? readSavedEnvironment(fallback).TABAGENT_HOME;
  const home = named ? resolve(named) : fallback;
  const system = programFolder({ system: platformOf(), env: given }, { systemWide: true, dataFolder: '' });
  return { home, env: { ...readSavedEnvironment(system), ...readSavedEnvironment(home), ...given } };
}

/**
 * Returns the default data folder: `tabagent` in the XDG data folder, or `TabAgent` in `~/Library/Application Support`
 * or `%LOCALAPPDATA%`.
 */
export function defaultHome(env: Readonly<NodeJS.ProcessEnv>): string {
  return join(ownFolders(env).localData, platformOf() === 'linux' ? 'tabagent' : 'TabAgent');
}

/** Returns the path of the file that records the folder to which the cache was moved. */
export const cacheLocationFile = ({ home }: Pick<HostPaths, 'home'>): string => join(home, 'cache-place.json');
/** Returns the path of the file that exists while the cache is being moved. */
export const relocationJournalFile = ({ home }: Pick<HostPaths, 'home'>): string => join(home, 'cache-move.json');

function readEndpoint(value: string | undefined): string {
  if (!value) return DEFAULT_HUB;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.username !== '') {
    throw new HostError(
      'INVALID_REQUEST',
      'HF_ENDPOINT must be an http or https URL such as "https://huggingface.co".',
      {
        details: { field: 'HF_ENDPOINT' },
      },
    );
  }
  return url.href.replace(/\/+$/, '');
}

function readSize(env: Readonly<NodeJS.ProcessEnv>, name: string, fallback: number): number {
  const value = env[name] || undefined;
  if (value === undefined) return fallback;
  const bytes = value.toLowerCase() === 'off' ? 0 : parseSize(value);
  if (bytes === undefined) throw invalidVariable(name, 'a size such as 4GB, or off', value);
  return bytes;
}

function readCount(env: Readonly<NodeJS.ProcessEnv>, name: string, fallback: number, max: number): number {
  const value = env[name];
  if (!value) return fallback;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= max) return number;
  throw invalidVariable(name, `a whole number from 1 to ${max}`, value);
}

function readSpeed(env: Readonly<NodeJS.ProcessEnv>, name: string): Pick<HostLimits, 'maxBytesPerSecond'> | undefined {
  const value = env[name];
  if (!value) return undefined;
  const number = Number(value);
  if (Number.isFinite(number) && number >= 1024) return { maxBytesPerSecond: number };
  throw invalidVariable(name, 'at least 1024 bytes per second', value);
}

function readMilliseconds(env: Readonly<NodeJS.ProcessEnv>, name: string, fallback: number): number {
  const value = env[name];
  if (!value) return fallback;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= 2 ** 31 - 1) return number;
  throw invalidVariable(name, 'a whole number of milliseconds', value);
}
