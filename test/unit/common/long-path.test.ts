import { posix, win32 } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { longPath } from '../../../host/common/long-path.ts';

const NAME = `${'d'.repeat(120)}/${'e'.repeat(120)}/f.gguf`;

describe('longPath', () => {
  it('adds the prefix for long paths on Windows', () => {
    const path = win32.join('C:\\models', NAME);
    expect(longPath(path, win32)).toBe(`\\\\?\\${path}`);
    expect(longPath(`\\\\?\\${path}`, win32)).toBe(`\\\\?\\${path}`);
    expect(longPath(win32.join('\\\\server\\share', NAME), win32)).toBe(
      `\\\\?\\UNC\\server\\share\\${NAME.replaceAll('/', '\\')}`,
    );
  });

  it('returns short paths, and paths on other platforms, unchanged', () => {
    expect(longPath('C:\\models\\f.gguf', win32)).toBe('C:\\models\\f.gguf');
    expect(longPath(`/models/${NAME}`, posix)).toBe(`/models/${NAME}`);
  });
});
