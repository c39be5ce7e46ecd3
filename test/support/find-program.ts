import { findProgram as find } from '../../host/common/find-program.ts';

/** Returns the path of the first of these programs that is on `PATH`, or undefined. */
export function findProgram(...names: readonly string[]): string | undefined {
  for (const name of names) {
    const program = find(name);
    if (program !== undefined) return program;
  }
  return undefined;
}
