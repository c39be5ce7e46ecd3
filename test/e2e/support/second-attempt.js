import { jest } from '@jest/globals';

// Real browsers and their drivers sometimes fail on a busy computer. The closing line names tests that needed this.
jest.retryTimes(1, { logErrorsBeforeRetry: true });
