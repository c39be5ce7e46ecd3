import { describe } from '@jest/globals';

/**
 * Like `describe`, for tests that depend on POSIX paths. On Windows they are skipped, with the reason in their name.
 */
export function describeOnPosix(title: string, body: () => void): void {
  if (process.platform === 'win32') describe.skip(`${title} (requires POSIX paths)`, body);
  else describe(title, body);
}
