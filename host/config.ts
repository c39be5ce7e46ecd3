import { join, resolve } from 'node:path';
import { HostError } from './common/errors.ts';
import { invalidVariable } from './common/host-errors.ts';
import { ownFolders, platformOf } from './common/platform.ts';
import { readSavedEnvironment } from './configuration/saved-environment.ts';
import { programFolder } from './registration/program-folder.ts';

/** Bytes in a mebibyte. */
const MiB = 1024 * 1024;

/**
 * Everything a host is told from outside: where it keeps things, which hub it asks, and its limits. Built once by
 * `main.ts` (or by a test, with other values) and handed down; no room reads the environment itself.
 */
export interface HostConfig {
  readonly paths: HostPaths;
  /** The hub's address, without a trailing slash. */
  readonly hubEndpoint: string;
  /** The environment that tokens, proxies and Hugging Face conventions are read from. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The module a runner process starts with: `dist/host/main.js`, or `host/main.ts` in development. */
  readonly runnerEntry: URL;
  readonly limits: HostLimits;
  /** Keep secrets in the system's keychain where there is one; else in a file. */
  readonly keychain: boolean;
  /** Log to stderr too. */
  readonly debug: boolean;
}

/** Where a host writes. All of it lies under `home`. */
export interface HostPaths {
  readonly home: string;
  /** Verified model files: `models/<owner>/<repo>/<file>`. */
  readonly models: string;
  /** Unfinished downloads: sparse partial files. */
  readonly partial: string;
  /** An empty file for each model that is never removed to make room. */
  readonly pins: string;
  /** Lock files, held by the operating system's locks: a dead holder holds nothing. */
  readonly locks: string;
  /** SQLite: chunk index, settings, what the user added to the catalog. */
  readonly database: string;
  /** SQLite: conversations. A file of its own, since the other one can be lost without a loss. */
  readonly conversations: string;
  /** What living hosts tell each other: one file for each that has models in memory. */
  readonly hosts: string;
  /** What the user gave the host to keep for itself; readable by that user alone. */
  readonly secrets: string;
  readonly logFile: string;
}

/** Every limit of the host, with its unit. Limits of the wire stand in `protocol/limits.ts`. */
export interface HostLimits {
  /** Bytes of one chunk: the unit of download, resumption, verification and repair. */
  readonly chunkBytes: number;
  /** No byte for this long ends a connection (not the download), milliseconds. */
  readonly stallTimeoutMs: number;
  /** Time for a connection to be made and its answer to begin, milliseconds. */
  readonly connectTimeoutMs: number;
  /** Tries of one request before its fault is the answer. */
  readonly maxAttempts: number;
  /** The pause before a request is tried again, milliseconds; it doubles with each further try. */
  readonly retryBaseMs: number;
  /** Connections one download begins with; it finds out by itself how many bring the most. */
  readonly connectionsAtFirst: number;
  /** Connections one download uses at most. */
  readonly connections: number;
  /** How often a download records what arrived of a chunk that is not complete, milliseconds: a kill costs that much. */
  readonly recordPartialMs: number;
  /** Bytes a second of all downloads together; undefined: no limit. */
  readonly maxBytesPerSecond: number | undefined;
  /** Longest a load may take with no sign of progress, milliseconds. */
  readonly loadTimeoutMs: number;
  /** Work that is still running this long after the end of input is given up, milliseconds. */
  readonly shutdownGraceMs: number;
  /** Bytes of replies that may wait for a slow reader before no further request is read. */
  readonly maxQueuedReplyBytes: number;
}

/**
 * Defaults. The chunk is the original's 5 MB, as 5 MiB. 20 s without a byte is longer than any hiccup of a CDN edge
 * and shorter than a user's patience. Firefox
 * ends a host 3 s after it closed its input: half of that is for work to end, the rest for replies and parts to close.
 */
export const DEFAULT_LIMITS: HostLimits = {
  chunkBytes: 5 * MiB,
  stallTimeoutMs: 20_000,
  connectTimeoutMs: 15_000,
  maxAttempts: 6,
  retryBaseMs: 500,
  connectionsAtFirst: 8,
  connections: 16,
  recordPartialMs: 2_000,
  maxBytesPerSecond: undefined,
  loadTimeoutMs: 120_000,
  shutdownGraceMs: 1_500,
  maxQueuedReplyBytes: 8 * MiB,
};

/** The hub asked when `HF_ENDPOINT` names no other. */
const DEFAULT_HUB = 'https://huggingface.co';

/**
 * Reads the configuration from the environment:
 * `TABAGENT_HOME` (everything the host writes lies under it), `HF_ENDPOINT`, `TABAGENT_STALL_TIMEOUT_MS`,
 * `TABAGENT_LOAD_TIMEOUT_MS`, `TABAGENT_KEYCHAIN`, `TABAGENT_DEBUG`. Throws `INVALID_REQUEST` for a value that cannot be used.
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
    pins: join(home, 'pins'),
    locks: join(home, 'locks'),
    database: join(home, 'tabagent.sqlite'),
    conversations: join(home, 'conversations.sqlite'),
    hosts: join(home, 'hosts'),
    secrets: join(home, 'secrets.json'),
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

/** Says where the cache was moved to. */
export const placeFile = ({ home }: Pick<HostPaths, 'home'>): string => join(home, 'cache-place.json');
/** There while the cache is moved. */
export const journalFile = ({ home }: Pick<HostPaths, 'home'>): string => join(home, 'cache-move.json');

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
