import unit from '../jest.config.js';

/**
 * The tests of the Windows package, which run on Windows only, beside those of `npm test`. Processes start slowly under Wine.
 *
 * @type {import('jest').Config}
 */
export default {
  ...unit,
  rootDir: '../..',
  testMatch: [...unit.testMatch, '<rootDir>/test/windows/**/*.test.ts'],
  testTimeout: 600_000,
  maxWorkers: 1,
};
