import { describe, expect, it } from '@jest/globals';
import { RequestError } from '../../../extension/host-connection.ts';
import { viewError, viewErrorCode } from '../../../extension/page/error-view.ts';

describe('an error in the user interface', () => {
  it("has a suitable action, its model, and the host's message", () => {
    const error = new RequestError('MODEL_NOT_DOWNLOADED', 'a/b/c.gguf is not on this disk.', { model: 'a/b/c.gguf' });
    expect(viewError(error)).toMatchObject({
      code: 'MODEL_NOT_DOWNLOADED',
      action: 'download',
      modelId: 'a/b/c.gguf',
      message: 'a/b/c.gguf is not on this disk.',
    });
  });

  it('shows how much disk space is missing', () => {
    expect(viewErrorCode('DISK_FULL', '', { needed: 5, available: 2 })).toMatchObject({
      action: 'freeSpace',
      missingBytes: 3,
    });
  });

  it('links the terms of a gated model only at a web address', () => {
    const at = (accessPage: string) => viewErrorCode('GATED_REPO', '', { accessPage }).termsUrl;
    expect(at('https://huggingface.co/a/b')).toBe('https://huggingface.co/a/b');
    expect(at('javascript:alert(1)')).toBeUndefined();
  });

  it('is shown without an action for a code of a newer host, or anything else', () => {
    expect(viewErrorCode('NEW_CODE', 'x')).toMatchObject({ code: 'NEW_CODE', action: undefined });
    expect(viewError(new TypeError('x'))).toMatchObject({ code: 'unknown', action: undefined, message: 'x' });
    expect(viewErrorCode('constructor', 'x').action).toBeUndefined();
  });
});
