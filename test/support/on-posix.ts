import { describe } from '@jest/globals';

/** A `describe` for tests whose folders and paths are those of Linux. On Windows they are skipped, and say so. */
export function describeOnPosix(title: string, body: () => void): void {
  if (process.platform === 'win32') describe.skip(`${title} (has paths of Linux)`, body);
  else describe(title, body);
}
