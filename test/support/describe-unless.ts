import { describe } from '@jest/globals';
import { findProgram } from './find-program.ts';

/**
 * Like `describe`, for tests that require a program. Without it they are skipped, see {@link describeUnless}.
 *
 * @param names Alternative names of the program.
 */
export function describeIfInstalled(title: string, names: readonly string[], body: (program: string) => void): void {
  const program = findProgram(...names);
  const missing = program === undefined ? `${names.join(' or ')} is not installed` : undefined;
  describeUnless(title, missing, () => body(program ?? ''));
}

/**
 * Like `describe`, for tests with a requirement. If it is missing, the tests are skipped with the reason in their name;
 * with `TABAGENT_TEST_REQUIRE_ALL=1`, which CI sets, they fail.
 *
 * @param missing Describes what is missing; undefined if the requirement is met.
 */
export function describeUnless(title: string, missing: string | undefined, body: () => void): void {
  if (missing === undefined) describe(title, body);
  else if (process.env.TABAGENT_TEST_REQUIRE_ALL === '1') throw new Error(`${title}: ${missing}`);
  else describe.skip(`${title} (${missing})`, body);
}
