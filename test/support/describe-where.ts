import { describe } from '@jest/globals';
import { findProgram } from './find-program.ts';

/**
 * A `describe` for tests that need a program; without it they are skipped as {@link describeWhere} says.
 *
 * @param names The program may have any of these names.
 */
export function describeWith(title: string, names: readonly string[], body: (program: string) => void): void {
  const program = findProgram(...names);
  const missing = program === undefined ? `${names.join(' or ')} is not installed` : undefined;
  describeWhere(title, missing, () => body(program ?? ''));
}

/**
 * A `describe` for tests that need something of a machine. Where that is missing they are skipped, and why is said;
 * with `TABAGENT_TEST_REQUIRE_ALL=1` (CI sets it) that is a failure.
 *
 * @param missing Describes what is missing; undefined if nothing is.
 */
export function describeWhere(title: string, missing: string | undefined, body: () => void): void {
  if (missing === undefined) describe(title, body);
  else if (process.env.TABAGENT_TEST_REQUIRE_ALL === '1') throw new Error(`${title}: ${missing}`);
  else describe.skip(`${title} (${missing})`, body);
}
