import { pathsOf, type RegistrationEnv } from './platform-env.ts';

/** Name of the file that says what was registered, in the program folder. */
export const RECORD_NAME = 'registration.json';

/**
 * The folder of the launcher, of Windows' manifests and of the record: the host's own for one user; for all users
 * one that all can read and only an administrator can write.
 *
 * @param dataFolder `TABAGENT_HOME`, or its default.
 */
export function programFolder(
  around: Pick<RegistrationEnv, 'system' | 'paths' | 'env' | 'root'>,
  scope: { systemWide: boolean; dataFolder: string },
): string {
  if (!scope.systemWide) return scope.dataFolder;
  const paths = pathsOf(around);
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
