import { describe, expect, it } from '@jest/globals';
import { RequestError } from '../../../extension/host-connection.ts';
import { viewError, viewErrorCode } from '../../../extension/page/error-view.ts';

describe('an error in the user interface', () => {
  it("has a suitable action, its model, and the host's message", () => {
    const error = new RequestError('MODEL_NOT_DOWNLOADED', 'a/b/c.gguf is not on this disk.', { model: 'a/b/c.gguf' });
    expect(viewError(error)).toMatchObject({
      code: 'MODEL_NOT_DOWNLOADED',
      actions: ['download'],
      modelId: 'a/b/c.gguf',
      message: 'a/b/c.gguf is not on this disk.',
    });
  });

  it('shows how much disk space is missing', () => {
    expect(viewErrorCode('DISK_FULL', '', { needed: 5, available: 2 })).toMatchObject({
      actions: ['freeSpace'],
      missingBytes: 3,
    });
  });

  it('links the terms of a gated model only at a web address', () => {
    const at = (accessPage: string) => viewErrorCode('GATED_REPO', '', { accessPage }).termsUrl;
    expect(at('https://huggingface.co/a/b')).toBe('https://huggingface.co/a/b');
    expect(at('javascript:alert(1)')).toBeUndefined();
  });

  it('of a gated model offers its terms, and where the access token goes', () => {
    expect(viewErrorCode('GATED_REPO', '').actions).toEqual(['openTerms', 'addToken']);
  });

  it('about a key says whose: the access token of the hub, or the key of a remote engine', () => {
    expect(viewErrorCode('UNAUTHORIZED', '')).toMatchObject({ actions: ['addToken'], engine: undefined });
    expect(viewErrorCode('UNAUTHORIZED', '', { engine: 'cloud' })).toMatchObject({
      actions: ['engines'],
      engine: 'cloud',
    });
    expect(viewErrorCode('REMOTE_UNREACHABLE', '', { engine: 'cloud' }).actions).toEqual(['retry']);
  });

  it('is shown without an action for a code of a newer host, or anything else', () => {
    expect(viewErrorCode('NEW_CODE', 'x')).toMatchObject({ code: 'NEW_CODE', actions: [] });
    expect(viewError(new TypeError('x'))).toMatchObject({ code: 'unknown', actions: [], message: 'x' });
    expect(viewErrorCode('constructor', 'x').actions).toEqual([]);
  });
});
