/**
 * A reporter that prints one closing line, `N passed, N failed, N skipped`, for programs that read the output. A test file
 * that could not start counts as a failure. Tests that passed only on their second attempt are named before it.
 */
export default class ClosingLine {
  onRunComplete(_contexts, results) {
    const tests = results.testResults.flatMap(({ testResults }) => testResults);
    for (const { fullName, status, invocations = 1 } of tests) {
      if (status === 'passed' && invocations > 1) process.stdout.write(`Passed on the second attempt: ${fullName}\n`);
    }
    const { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites } = results;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    process.stdout.write(`\n${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped\n`);
  }
}
