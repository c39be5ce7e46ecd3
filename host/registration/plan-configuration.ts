import { atomicWrite } from '../common/atomic-write.ts';
import { CONFIG_MODE, configFileIn, readConfigFile, withExtensions } from '../configuration/config-file.ts';
import { lookAt } from './files.ts';
import type { RegistrationRecord } from './record.ts';
import { type FileTarget, FOLDER_MODE } from './target.ts';

/** How the configuration comes to allow the extensions that were named. */
export interface ConfigurationPlan {
  /** The file, where an install makes it or has made it. */
  readonly targets: readonly FileTarget[];
  /** Changes a file that is the user's own. */
  readonly change?: () => Promise<void>;
}

/**
 * Plans the configuration that goes with a registration: a manifest says whom a browser may start the host for, the
 * configuration whom the host works for. TabAgent's own extension needs none. Throws `CONFIG_UNUSABLE`.
 */
export async function planConfiguration(options: {
  readonly folder: string;
  readonly systemWide: boolean;
  readonly record: RegistrationRecord | undefined;
  /** Ids that were named. */
  readonly extensions: readonly string[];
}): Promise<ConfigurationPlan> {
  const { folder, systemWide, record, extensions } = options;
  if (extensions.length === 0) return { targets: [] };
  const path = configFileIn(folder);
  const contents = withExtensions(await readConfigFile(path), extensions);
  const mode = systemWide ? CONFIG_MODE.system : CONFIG_MODE.user;
  const found = await lookAt(path);
  const entry = record?.entries.find((one) => one.kind === 'file' && one.path === path);
  const ours = entry?.kind === 'file' && entry.digests.includes(found?.sha256 ?? '');
  if (found !== undefined && !ours) return { targets: [], change: () => atomicWrite(path, contents, mode) };
  const folderMode = systemWide ? FOLDER_MODE.system : FOLDER_MODE.user;
  return { targets: [{ kind: 'file', path, contents, mode, folderMode, browsers: [] }] };
}
