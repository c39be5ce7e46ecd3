import type { HostConfig } from '../config.ts';
import { configFileIn, readConfigFile } from '../configuration/config-file.ts';
import { HostError } from '../errors.ts';

/** Units of a size as people write it: decimal as disks are sold, binary with an `i`. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  KI: 2 ** 10,
  MI: 2 ** 20,
  GI: 2 ** 30,
  TI: 2 ** 40,
};

/**
 * Bytes the cache may take: `TABAGENT_CACHE_LIMIT`, else `cacheLimit` in the user's `config.json`, else without end. Read
 * anew each time: a user who changes it need not start the browser again.
 *
 * @throws HostError `INVALID_REQUEST` or `CONFIG_UNUSABLE` for one that cannot be used: to pass over a limit would fill
 * the disk that it is there to keep free.
 */
export async function readSizeLimit({ paths, env }: Pick<HostConfig, 'paths' | 'env'>): Promise<number> {
  if (env.TABAGENT_CACHE_LIMIT) return parsed(env.TABAGENT_CACHE_LIMIT, 'TABAGENT_CACHE_LIMIT', 'INVALID_REQUEST');
  const { cacheLimit } = await readConfigFile(configFileIn(paths.home));
  return cacheLimit === undefined
    ? Number.POSITIVE_INFINITY
    : parsed(cacheLimit, 'cacheLimit in config.json', 'CONFIG_UNUSABLE');
}

/** Bytes of a size such as `50GB`, `20 GiB` or a number; undefined for what is none. */
export function parseSize(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const match =
    typeof value === 'string' ? /^\s*(\d{1,9}(?:\.\d{1,3})?|\d{1,16})\s*([KMGT]?I?)B?\s*$/i.exec(value) : null;
  const unit = UNITS[match?.[2]?.toUpperCase() ?? '?'];
  if (match?.[1] === undefined || unit === undefined) return undefined;
  const bytes = Math.floor(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function parsed(value: unknown, field: string, code: 'INVALID_REQUEST' | 'CONFIG_UNUSABLE'): number {
  const bytes = parseSize(value);
  if (bytes !== undefined) return bytes;
  const shown = JSON.stringify(value)?.slice(0, 100);
  throw new HostError(code, `Expected ${field} to be a size such as "50GB", got ${shown}.`, { details: { field } });
}
