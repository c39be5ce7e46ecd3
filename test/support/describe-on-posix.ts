import { describe, it } from '@jest/globals';

/**
 * Like `describe`, for tests that depend on POSIX paths. On Windows they are skipped, with the reason in their name.
 */
export function describeOnPosix(title: string, body: () => void): void {
  if (process.platform === 'win32') describe.skip(`${title} (requires POSIX paths)`, body);
  else describe(title, body);
}

/**
 * Like `it`, for a test that depends on a feature of POSIX that Windows lacks. On Windows it is skipped, with the reason
 * in its name.
 *
 * @param feature For example "permission bits".
 */
export function itOnPosix(title: string, feature: string, body: () => void | Promise<void>): void {
  if (process.platform === 'win32') it.skip(`${title} (requires ${feature})`, body);
  else it(title, body);
}
