import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../common/format.ts';
import { sum } from '../../common/sum.ts';
import type { HostConfig } from '../../config.ts';
import { readConfig } from '../../config.ts';
import { readConfigFile } from '../../configuration/config-file.ts';
import { configFileIn } from '../../configuration/config-text.ts';
import { assertOwnDataFolder } from '../../configuration/data-folder.ts';
import { SAVED_VARIABLES, withoutSavedVariables } from '../../configuration/saved-environment.ts';
import type { Client } from '../client.ts';
import type { Finding } from './finding.ts';

/** Less space than this holds no useful model, bytes. */
const LITTLE_SPACE = 2e9;

/** Permission bits of the group and of everybody. */
const OTHERS = 0o077;

/** Checks that the data folder exists, is writable and private. */
export async function examineHome({ paths }: HostConfig): Promise<readonly Finding[]> {
  const check = 'data folder';
  assertOwnDataFolder(paths);
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

/** Checks the configuration, and whether the host that browsers start works with the same settings as this command. */
export async function examineConfiguration(config: HostConfig): Promise<readonly Finding[]> {
  const { allowedExtensions = [] } = await readConfigFile(configFileIn(config.paths.home));
  const also = allowedExtensions.length === 0 ? '' : ` and ${allowedExtensions.join(', ')}`;
  const configuration: Finding = {
    check: 'configuration',
    status: 'ok',
    message: `Allowed extensions: TabAgent${also}.`,
  };
  return [configuration, settingsOfBrowsers(config)];
}

function settingsOfBrowsers({ paths, env, runnerEntry }: HostConfig): Finding {
  const check = 'settings of browsers';
  const browser = readConfig({ runnerEntry, env: withoutSavedVariables(env) });
  const fix = 'Run "tabagent install" in this terminal to use its settings in browsers, too.';
  if (browser.paths.home !== paths.home) {
    const message = `The host that browsers start uses ${browser.paths.home}, but this command uses ${paths.home}.`;
    return { check, status: 'warning', message, fix };
  }
  const others = SAVED_VARIABLES.filter(
    (name) => name !== 'TABAGENT_HOME' && (env[name] || '') !== (browser.env[name] || ''),
  );
  if (others.length > 0) {
    const message = `${others.join(', ')} ${others.length === 1 ? 'has' : 'have'} another value here than in the host that browsers start.`;
    return { check, status: 'warning', message, fix };
  }
  const saved = SAVED_VARIABLES.flatMap((name) =>
    browser.env[name] ? [`${name}=${withoutPassword(browser.env[name])}`] : [],
  );
  const values = saved.length === 0 ? '' : `: ${saved.join(', ')}`;
  return { check, status: 'ok', message: `Browsers and the command line use the same settings${values}.` };
}

function withoutPassword(value: string): string {
  if (!URL.canParse(value)) return value;
  const url = new URL(value);
  if (url.password === '') return value;
  url.password = '…';
  return decodeURI(url.href);
}

/** The database of conversations, which is checked, and recovered where it is damaged, when it is opened. */
export async function examineConversations(client: Client): Promise<readonly Finding[]> {
  const check = 'conversations';
  const { payload, message } = await client.request('LIST_CONVERSATIONS', { limit: 1 });
  if (message !== undefined) return [{ check, status: 'warning', message }];
  return [{ check, status: 'ok', message: `${payload.total} conversations; database OK.` }];
}

/** Checks the cache, its database, and the free disk space. */
export async function examineCache(client: Client): Promise<readonly Finding[]> {
  const models = await client.all('GET_DOWNLOADED_MODELS', ({ models }) => models);
  // Settings are stored in the database.
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

/** Most problems of a scan that are shown; "tabagent scan" shows all. */
const SHOWN_PROBLEMS = 3;

/** Checks the folders of other programs: what was found, and what could not be used. */
export async function examineOtherPrograms(client: Client): Promise<readonly Finding[]> {
  const check = 'other programs';
  const models = await client.all('SCAN_LOCAL_MODELS', ({ models }) => models);
  const { payload } = await client.request('SCAN_LOCAL_MODELS', { limit: 1 });
  const { folders, rejected, gone, problems, complete } = payload;
  const found = `${models.length} ${models.length === 1 ? 'model' : 'models'} in ${folders.length} folders.`;
  const all = [
    ...problems,
    ...rejected.map(({ path, reason }) => `${path} was skipped: ${reason}`),
    ...gone.map(({ path }) => `${path} is missing.`),
    ...(complete ? [] : ['The scan is incomplete: it took too long, or the folders are too large.']),
  ];
  if (all.length === 0) return [{ check, status: 'ok', message: found }];
  const rest = all.length - SHOWN_PROBLEMS;
  const message = [found, ...all.slice(0, SHOWN_PROBLEMS), ...(rest > 0 ? [`And ${rest} more.`] : [])].join(' ');
  return [{ check, status: 'warning', message, fix: 'Run "tabagent scan" for the whole list.' }];
}
