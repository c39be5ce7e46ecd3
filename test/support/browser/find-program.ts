import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from '@jest/globals';

/** The first of these programs that is on `PATH`, or undefined. */
export function findProgram(...names: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/**
 * A `describe` for tests that need a program. Where it is not installed they are skipped, and why is said; with
 * `TABAGENT_TEST_REQUIRE_ALL=1` (CI sets it) that is a failure.
 *
 * @param names The program may have any of these names.
 */
export function describeWith(title: string, names: readonly string[], body: (program: string) => void): void {
  const program = findProgram(...names);
  if (program !== undefined) {
    describe(title, () => body(program));
    return;
  }
  const reason = `${names.join(' or ')} is not installed`;
  if (process.env.TABAGENT_TEST_REQUIRE_ALL === '1') throw new Error(`${title}: ${reason}`);
  describe.skip(`${title} (${reason})`, () => body(names[0] ?? ''));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
