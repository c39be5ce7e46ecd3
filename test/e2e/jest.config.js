import unit from '../jest.config.js';

/**
 * End-to-end tests of the packaged host, its installers and the extension in real browsers: `npm run test:e2e`. They
 * take longer and require more tools than `npm test`.
 *
 * @type {import('jest').Config}
 */
export default {
  ...unit,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/e2e/**/*.test.ts'],
  globalSetup: '<rootDir>/test/e2e/support/make-package.js',
  setupFilesAfterEnv: ['<rootDir>/test/e2e/support/second-attempt.js'],
  testTimeout: 180_000,
  maxWorkers: 1,
};
