import { findProgram as find } from '../../host/common/find-program.ts';

/** Returns the path of the first of these programs that is on `PATH`; undefined if none is. */
export function findProgram(...names: readonly string[]): string | undefined {
  for (const name of names) {
    const program = find(name);
    if (program !== undefined) return program;
  }
  return undefined;
}
