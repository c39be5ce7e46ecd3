import unit from '../jest.config.js';

/**
 * Tests of the Windows package, which run only on Windows. Processes start slowly under Wine.
 *
 * @type {import('jest').Config}
 */
export default {
  ...unit,
  rootDir: '../..',
  // Under Wine, crawling node_modules takes minutes.
  roots: ['<rootDir>/test', '<rootDir>/host', '<rootDir>/installers', '<rootDir>/manifests', '<rootDir>/extension'],
  testMatch: [...unit.testMatch, '<rootDir>/test/windows/**/*.test.ts'],
  testTimeout: 300_000,
  maxWorkers: 1,
};
