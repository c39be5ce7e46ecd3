import unit from '../jest.config.js';

/**
 * Tests of what is delivered: the packaged host, its installers, real browsers. They take longer and ask more of a
 * machine than `npm test` may, so they are a separate command, `npm run test:e2e`.
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
