import { join, resolve } from 'node:path';
import { HostError } from './common/errors.ts';
import { invalidVariable } from './common/host-errors.ts';
import { parseSize } from './common/parse-size.ts';
import { ownFolders, platformOf } from './common/platform.ts';
import { programFolder } from './configuration/program-folder.ts';
import { readSavedEnvironment } from './configuration/saved-environment.ts';

/** Bytes in a mebibyte. */
const MiB = 1024 * 1024;

/**
 * The configuration of a host: its paths, the hub, and limits. It is created once by `main.ts` (or by a test, with other
 * values) and passed on; no other module reads the environment.
 */
export interface HostConfig {
  readonly paths: HostPaths;
  /** The hub's address, without a trailing slash. */
  readonly hubEndpoint: string;
  /** The environment variables for tokens, proxies and Hugging Face conventions. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The module that runner processes are started with: `dist/host/main.js`, or `host/main.ts` in development. */
  readonly runnerEntry: URL;
  readonly limits: HostLimits;
  /** Whether to store secrets in the system keychain if there is one, instead of a file. */
  readonly keychain: boolean;
  /** Whether to log to stderr too. */
  readonly debug: boolean;
}

/** The paths that a host writes to. All are in `home`. */
export interface HostPaths {
  readonly home: string;
  /** Verified model files: `models/<owner>/<repo>/<file>`. */
  readonly models: string;
  /** Unfinished downloads: sparse partial files. */
  readonly partial: string;
  /** Evaluated prompts, which only the user can read. */
  readonly states: string;
  /** An empty file for each pinned model, which is never evicted. */
  readonly pins: string;
  /** Files that are locked with locks of the operating system, which end with their process. */
  readonly locks: string;
  /** SQLite: download index, settings, and the user's catalog entries. */
  readonly database: string;
  /** SQLite: conversations. In a file of their own, because everything in the other database can be restored or downloaded again. */
  readonly conversations: string;
  /** A file for each running host that has models in memory, for other hosts to read. */
  readonly hosts: string;
  /** Tokens and keys that the user saved; only the user can read the file. */
  readonly secrets: string;
  /** The key that programs send to the server; only the user can read the file. */
  readonly serveKey: string;
  readonly logFile: string;
}

/** The limits of a host, with their units. Limits of the protocol are in `protocol/limits.ts`. */
export interface HostLimits {
  /** Size of a chunk, the unit of download, resumption, verification and repair, bytes. */
  readonly chunkBytes: number;
  /** A connection that receives nothing for this long is closed (the download continues), milliseconds. */
  readonly stallTimeoutMs: number;
  /** Time limit for connecting and receiving the response headers, milliseconds. */
  readonly connectTimeoutMs: number;
  /** Time for the hub to answer about a repository or a file, attempts together, without the pauses it asks for, milliseconds. */
  readonly answerTimeoutMs: number;
  /** Attempts for one request before its error is reported. */
  readonly maxAttempts: number;
  /** Pause before the first retry of a request, milliseconds; it doubles with each further retry. */
  readonly retryBaseMs: number;
  /** Initial number of connections of a download, which then adapts it to the throughput. */
  readonly connectionsAtFirst: number;
  /** Maximum number of connections of a download. */
  readonly connections: number;
  /** How often a download records the progress of incomplete chunks, milliseconds: a kill loses at most that much. */
  readonly recordPartialMs: number;
  /** Maximum speed of all downloads together, bytes per second; undefined for no limit. */
  readonly maxBytesPerSecond: number | undefined;
  /** Disk space for evaluated prompts, bytes; 0 keeps none. */
  readonly promptCacheBytes: number;
  /** Time limit for a load that reports no progress, milliseconds. */
  readonly loadTimeoutMs: number;
  /** Time for pending work to finish after the end of the input before it is aborted, milliseconds. */
  readonly shutdownGraceMs: number;
  /** Size of the replies queued for a slow reader at which the host stops reading requests, bytes. */
  readonly maxQueuedReplyBytes: number;
}

/**
 * Default limits. The chunk size is the original's 5 MB, rounded to 5 MiB. A stall timeout of 20 s is longer than usual
 * interruptions of a CDN server and short enough for a user to wait. Firefox kills a host 3 s after it closed its input:
 * half of that is for pending work, the rest for replies and for closing the services.
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
  // A long conversation with a model of 8 billion parameters takes about 1 GB.
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
 * @throws HostError `INVALID_REQUEST` if the value of a variable cannot be used.
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
 * Returns the data folder, and the environment with the variables that `tabagent install` saved. What the environment
 * has, even if it is empty, takes precedence over the user's configuration, and that over the one of all users.
 */
function withSavedEnvironment(given: Readonly<NodeJS.ProcessEnv>): { home: string; env: Readonly<NodeJS.ProcessEnv> } {
  const fallback = defaultHome(given);
  const named = given.TABAGENT_HOME ?? readSavedEnvironment(fallback).TABAGENT_HOME;
  const home = named ? resolve(named) : fallback;
  const system = programFolder({ system: platformOf(), env: given }, { systemWide: true, dataFolder: '' });
  return { home, env: { ...readSavedEnvironment(system), ...readSavedEnvironment(home), ...given } };
}

/** The data folder: `tabagent` in the XDG data folder, `TabAgent` in `~/Library/Application Support` or `%LOCALAPPDATA%`. */
export function defaultHome(env: Readonly<NodeJS.ProcessEnv>): string {
  return join(ownFolders(env).localData, platformOf() === 'linux' ? 'tabagent' : 'TabAgent');
}

/** Returns the path of the file that records where the cache was moved to. */
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

function readCount(env: Readonly<NodeJS.ProcessEnv>, name: string, fallback: number, most: number): number {
  const value = env[name];
  if (!value) return fallback;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw invalidVariable(name, `a whole number from 1 to ${most}`, value);
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
