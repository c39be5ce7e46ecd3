import { atomicWrite } from '../common/atomic-write.ts';
import { readConfigFile, withExtensions } from '../configuration/config-file.ts';
import { CONFIG_MODE, configFileIn } from '../configuration/config-text.ts';
import { environmentFileIn, readSavedEnvironment, type SavedEnvironment } from '../configuration/saved-environment.ts';
import { lookAt } from './files.ts';
import type { RegistrationRecord } from './record.ts';
import { type FileTarget, FOLDER_MODE } from './target.ts';

/** The change of a configuration file for a registration. */
export interface ConfigurationPlan {
  /** The file, if the installation creates it or created it earlier. */
  readonly targets: readonly FileTarget[];
  /** Changes a file that belongs to the user. */
  readonly change?: () => Promise<void>;
}

/** A folder with configuration files, and the installation that changes them. */
export interface ConfigurationFolder {
  readonly folder: string;
  readonly systemWide: boolean;
  readonly record: RegistrationRecord | undefined;
}

/**
 * Plans the configuration that allows extensions. A manifest lists the extensions for which a browser starts the host;
 * the configuration lists those that the host accepts. TabAgent's own extension needs no configuration. Throws
 * `CONFIG_UNUSABLE`.
 */
export async function planExtensions(
  at: ConfigurationFolder,
  extensions: readonly string[],
): Promise<ConfigurationPlan> {
  const path = configFileIn(at.folder);
  return extensions.length === 0
    ? { targets: [] }
    : planFile(at, path, withExtensions(await readConfigFile(path), extensions));
}

/** Plans the file with saved variables. Removes empty variables. Throws `CONFIG_UNUSABLE`. */
export async function planVariables(at: ConfigurationFolder, variables: SavedEnvironment): Promise<ConfigurationPlan> {
  if (Object.keys(variables).length === 0) return { targets: [] };
  const path = environmentFileIn(at.folder);
  const all = Object.entries({ ...readSavedEnvironment(at.folder), ...variables });
  const kept = Object.fromEntries(all.filter(([, value]) => value !== ''));
  return planFile(at, path, `${JSON.stringify(kept, null, 2)}\n`);
}

async function planFile(at: ConfigurationFolder, path: string, contents: string): Promise<ConfigurationPlan> {
  const { record, systemWide } = at;
  const mode = systemWide ? CONFIG_MODE.system : CONFIG_MODE.user;
  const found = await lookAt(path);
  const entry = record?.entries.find((one) => one.kind === 'file' && one.path === path);
  const ours = entry?.kind === 'file' && entry.digests.includes(found?.sha256 ?? '');
  if (found !== undefined && !ours) return { targets: [], change: () => atomicWrite(path, contents, mode) };
  const folderMode = systemWide ? FOLDER_MODE.system : FOLDER_MODE.user;
  return { targets: [{ kind: 'file', path, contents, mode, folderMode, browsers: [] }] };
}
