import { describe, expect, it } from '@jest/globals';
import { decodeText } from '../../../host/common/decode-text.ts';

const TEXT = '{"name": "Jörg 漢 💾"}\r\n';
const MARK = '\uFEFF';

describe('decodeText', () => {
  it.each([
    ['UTF-8', Buffer.from(TEXT)],
    ['UTF-8 with a mark', Buffer.from(MARK + TEXT)],
    ['UTF-16, little endian', Buffer.from(MARK + TEXT, 'utf16le')],
    ['UTF-16, big endian', Buffer.from(MARK + TEXT, 'utf16le').swap16()],
  ])('reads %s', (_encoding, bytes) => {
    expect(decodeText(bytes)).toBe(TEXT);
  });

  it.each([
    ['an old code page', Buffer.from('J\xf6rg', 'latin1')],
    ['half a character', Buffer.from([0xff, 0xfe, 0x00, 0xd8])],
  ])('rejects %s', (_encoding, bytes) => {
    expect(() => decodeText(bytes)).toThrow('not valid for encoding');
  });

  it('decodes an empty file', () => {
    expect(decodeText(Buffer.alloc(0))).toBe('');
  });
});
