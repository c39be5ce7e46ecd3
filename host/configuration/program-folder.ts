import type { PlatformPath } from 'node:path';
import { type Platform, pathOf } from '../common/platform.ts';

/**
 * Returns the folder for the launcher, the manifests (on Windows) and the registration record: the data folder for one
 * user, or for all users a folder that all can read and only an administrator can write.
 *
 * @param dataFolder `TABAGENT_HOME`, or its default.
 */
export function programFolder(
  machine: {
    readonly system: Platform;
    readonly env: Readonly<NodeJS.ProcessEnv>;
    /** @default '/' */
    readonly root?: string;
    /** @default the path functions of `system` */
    readonly paths?: PlatformPath;
  },
  scope: { systemWide: boolean; dataFolder: string },
): string {
  if (!scope.systemWide) return scope.dataFolder;
  const paths = machine.paths ?? pathOf(machine.system);
  const root = machine.root ?? '/';
  switch (machine.system) {
    case 'win32':
      return paths.join(machine.env.ProgramFiles || 'C:\\Program Files', 'TabAgent');
    case 'darwin':
      return paths.join(root, 'Library', 'Application Support', 'TabAgent');
    case 'linux':
      return paths.join(root, 'usr', 'local', 'lib', 'tabagent');
  }
}
