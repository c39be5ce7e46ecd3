/**
 * A reporter that says the whole run in one line, `N passed, N failed, N skipped`, alone at the end, for whoever reads
 * the output by machine. A test file that could not even begin counts as a failure.
 */
export default class ClosingLine {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites } = results;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    process.stdout.write(`\n${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped\n`);
  }
}
