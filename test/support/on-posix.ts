import { describe } from '@jest/globals';

/** A `describe` for tests that depend on POSIX paths. On Windows they are skipped by name. */
export function describeOnPosix(title: string, body: () => void): void {
  if (process.platform === 'win32') describe.skip(`${title} (has paths of Linux)`, body);
  else describe(title, body);
}
