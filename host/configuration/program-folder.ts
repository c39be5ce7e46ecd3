import type { PlatformPath } from 'node:path';
import { type Platform, pathOf } from '../common/platform.ts';

/**
 * Returns the folder of the launcher, the manifests on Windows, and the record of the registration: the data folder for
 * one user, or for all users a folder that all can read and only an administrator can write.
 *
 * @param dataFolder `TABAGENT_HOME`, or its default.
 */
export function programFolder(
  around: {
    readonly system: Platform;
    readonly env: Readonly<NodeJS.ProcessEnv>;
    /** @default '/' */
    readonly root?: string;
    /** @default as `system` joins paths */
    readonly paths?: PlatformPath;
  },
  scope: { systemWide: boolean; dataFolder: string },
): string {
  if (!scope.systemWide) return scope.dataFolder;
  const paths = around.paths ?? pathOf(around.system);
  const root = around.root ?? '/';
  switch (around.system) {
    case 'win32':
      return paths.join(around.env.ProgramFiles || 'C:\\Program Files', 'TabAgent');
    case 'darwin':
      return paths.join(root, 'Library', 'Application Support', 'TabAgent');
    case 'linux':
      return paths.join(root, 'usr', 'local', 'lib', 'tabagent');
  }
}
