import { HostError } from '../common/errors.ts';
import type { HostConfig } from '../config.ts';
import type { Caller } from './caller.ts';
import { readConfigFile } from './config-file.ts';
import { configFileIn } from './config-text.ts';
import { programFolder } from './program-folder.ts';

/**
 * Checks that the user, or an administrator for all users, allowed this extension. A manifest alone is not sufficient,
 * because any program of the user can write one.
 *
 * @throws HostError `ORIGIN_NOT_ALLOWED`, `CONFIG_UNUSABLE`.
 */
export async function assertAllowed({ extensionId }: Caller, config: HostConfig): Promise<void> {
  const allowed = extensionId === undefined ? [] : await allowedExtensions(config);
  if (extensionId !== undefined && allowed.includes(extensionId)) return;
  const shown = extensionId?.slice(0, 100) ?? '(unknown ID)';
  throw new HostError(
    'ORIGIN_NOT_ALLOWED',
    `The TabAgent host does not allow the extension ${shown}. To allow it, run: tabagent install --extension-id ID`,
    { details: { extensionId: extensionId?.slice(0, 100) ?? null } },
  );
}

/** Returns the extension IDs that the user's and the system's configuration files allow, besides TabAgent's own. */
export async function allowedExtensions({ paths, env }: HostConfig): Promise<readonly string[]> {
  const files = await Promise.all([readConfigFile(configFileIn(paths.home)), readSystemFile(env)]);
  return files.flatMap(({ allowedExtensions = [] }) => allowedExtensions);
}

async function readSystemFile(env: HostConfig['env']) {
  const { platform } = process;
  if (platform !== 'linux' && platform !== 'darwin' && platform !== 'win32') return {};
  return readConfigFile(configFileIn(programFolder({ system: platform, env }, { systemWide: true, dataFolder: '' })));
}
