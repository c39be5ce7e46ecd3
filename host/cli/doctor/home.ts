import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../common/format.ts';
import { sum } from '../../common/sum.ts';
import type { HostConfig } from '../../config.ts';
import { configFileIn, readConfigFile } from '../../configuration/config-file.ts';
import type { Client } from '../client.ts';
import type { Finding } from './finding.ts';

/** Less space than this holds no useful model, bytes. */
const LITTLE_SPACE = 2e9;

/** Permission bits of the group and of everybody. */
const OTHERS = 0o077;

/** The folder the host writes to: there, writable, private. */
export async function examineHome({ paths }: HostConfig): Promise<readonly Finding[]> {
  const check = 'data folder';
  await mkdir(paths.home, { recursive: true, mode: 0o700 });
  const probe = join(paths.home, `.doctor-${randomUUID()}`);
  await writeFile(probe, '');
  await rm(probe);
  const { mode } = await stat(paths.home);
  if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
    const message = `${paths.home} is writable, but other users of this computer can read it.`;
    return [{ check, status: 'warning', message, fix: `Run: chmod go= "${paths.home}"` }];
  }
  return [{ check, status: 'ok', message: `${paths.home} is writable and private.` }];
}

/** The configuration file, where there is one. */
export async function examineConfiguration({ paths }: HostConfig): Promise<readonly Finding[]> {
  const file = configFileIn(paths.home);
  const { allowedExtensions = [] } = await readConfigFile(file);
  const also = allowedExtensions.length === 0 ? '' : ` and ${allowedExtensions.join(', ')}`;
  return [{ check: 'configuration', status: 'ok', message: `Allowed extensions: TabAgent${also}.` }];
}

/** The cache and the database behind it, and the space left for models. */
export async function examineCache(client: Client): Promise<readonly Finding[]> {
  const models = await client.all('GET_DOWNLOADED_MODELS', ({ models }) => models);
  // The kept settings lie in the database.
  await client.request('GET_PARAMS');
  const { disk } = (await client.request('GET_SYSTEM_RESOURCES')).payload;
  const bytes = sum(models.map(({ size }) => size));
  const cache: Finding = {
    check: 'cache',
    status: 'ok',
    message: `${models.length} ${models.length === 1 ? 'model' : 'models'}, ${formatBytes(bytes)}; database OK.`,
  };
  if (disk === null)
    return [cache, { check: 'disk space', status: 'warning', message: 'Free space could not be determined.' }];
  const message = `${formatBytes(disk.available)} of ${formatBytes(disk.total)} free.`;
  const space: Finding =
    disk.available < LITTLE_SPACE
      ? {
          check: 'disk space',
          status: 'warning',
          message,
          fix: 'Free up space with "tabagent prune" or "tabagent rm MODEL".',
        }
      : { check: 'disk space', status: 'ok', message };
  return [cache, space];
}
