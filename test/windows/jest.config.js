import unit from '../jest.config.js';

/**
 * The tests of the Windows package, which run on Windows only, beside those of `npm test`. Processes start slowly under Wine.
 *
 * @type {import('jest').Config}
 */
export default {
  ...unit,
  rootDir: '../..',
  // Under Wine it takes minutes to look at every file of node_modules.
  roots: ['<rootDir>/test', '<rootDir>/host', '<rootDir>/installers', '<rootDir>/manifests', '<rootDir>/extension'],
  testMatch: [...unit.testMatch, '<rootDir>/test/windows/**/*.test.ts'],
  testTimeout: 300_000,
  maxWorkers: 1,
};
