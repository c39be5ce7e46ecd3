import { describe, expect, it } from '@jest/globals';
import { errorInfo, HostError, isHostError, isSystemError } from '../../../host/common/errors.ts';

describe('isHostError', () => {
  const error = new HostError('MODEL_IN_USE', 'a/b/c.gguf: in use.');

  it('recognizes host errors, and those of given codes', () => {
    expect(isHostError(error)).toBe(true);
    expect(isHostError(error, 'MODEL_IN_USE')).toBe(true);
    expect(isHostError(error, 'ABORTED', 'MODEL_IN_USE')).toBe(true);
    expect(isHostError(error, 'ABORTED', 'CANCELLED')).toBe(false);
  });

  it.each([[new Error('MODEL_IN_USE')], [{ code: 'MODEL_IN_USE', message: 'not an error' }], [undefined], [null]])(
    'rejects %p',
    (other) => {
      expect(isHostError(other)).toBe(false);
      expect(isHostError(other, 'MODEL_IN_USE')).toBe(false);
    },
  );
});

describe('errorInfo', () => {
  it('copies code, message and details of a host error, but not its cause', () => {
    const error = new HostError('DISK_FULL', 'The disk is full.', { details: { path: '/models' }, cause: 'secret' });
    expect(errorInfo(error)).toEqual({ code: 'DISK_FULL', message: 'The disk is full.', details: { path: '/models' } });
  });

  it('has no details if the error has none', () => {
    expect(errorInfo(new HostError('ABORTED', 'The host is shutting down.'))).toEqual({
      code: 'ABORTED',
      message: 'The host is shutting down.',
    });
  });

  it.each([[new Error('token hf_secret')], ['token hf_secret'], [{ code: 'DISK_FULL', message: 'token hf_secret' }]])(
    'reveals nothing of %p',
    (error) => {
      const info = errorInfo(error);
      expect(info.code).toBe('INTERNAL_ERROR');
      expect(JSON.stringify(info)).not.toContain('hf_secret');
    },
  );
});

it('isSystemError recognizes system errors by their code, from any realm', () => {
  expect(isSystemError({ code: 'ENOENT' }, 'EACCES', 'ENOENT')).toBe(true);
  expect(isSystemError({ code: 'ENOENT' }, 'EACCES')).toBe(false);
  expect(isSystemError({ code: 2 }, 'ENOENT')).toBe(false);
  expect(isSystemError(null, 'ENOENT')).toBe(false);
});
