import { describe, expect, it } from '@jest/globals';
import { parseHead } from '../../../host/hub/response-head.ts';

const head = (...lines: string[]) => parseHead(lines.join('\r\n'));

describe('the head of a response', () => {
  it('is parsed into status, headers with names in lower case, and body length', () => {
    expect(
      head('HTTP/1.1 206 Partial Content', 'Content-Length: 12', 'ETag:"a b"', 'X-Empty:', 'Accept-Ranges: \tbytes '),
    ).toEqual({
      status: 206,
      headers: { 'content-length': '12', etag: '"a b"', 'x-empty': '', 'accept-ranges': 'bytes' },
      length: 12,
      keepAlive: true,
    });
  });

  it.each([
    ['a chunked body', ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], { length: undefined }],
    ['no length', ['HTTP/1.1 200'], { length: undefined }],
    ['a connection that closes', ['HTTP/1.1 200 OK', 'Connection: Keep-Alive, Close'], { keepAlive: false }],
    ['HTTP/1.0', ['HTTP/1.0 200 OK', 'Content-Length: 1'], { keepAlive: false, length: 1 }],
    ['the same length twice', ['HTTP/1.1 200 OK', 'Content-Length: 7', 'content-length: 7'], { length: 7 }],
    ['a repeated header', ['HTTP/1.1 200 OK', 'Via: a', 'Via: b'], { headers: { via: 'a' } }],
    ['a header named like an object property', ['HTTP/1.1 200 OK', '__proto__: x'], { status: 200 }],
  ])('is accepted with %s', (_, lines, expected) => {
    expect(head(...lines)).toMatchObject(expected);
  });

  it.each([
    ['no status line', ['hello']],
    ['another protocol', ['HTTP/2 200 OK']],
    ['a status of four digits', ['HTTP/1.1 2000 OK']],
    ['a status below 100', ['HTTP/1.1 099 OK']],
    ['lengths that differ', ['HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 2']],
    [
      'a length together with a transfer encoding',
      ['HTTP/1.1 200 OK', 'Content-Length: 1', 'Transfer-Encoding: chunked'],
    ],
    ['a negative length', ['HTTP/1.1 200 OK', 'Content-Length: -1']],
    ['a length in another notation', ['HTTP/1.1 200 OK', 'Content-Length: 1e3']],
    ['a length larger than any file', ['HTTP/1.1 200 OK', 'Content-Length: 9999999999999999']],
    ['two ranges', ['HTTP/1.1 206 OK', 'Content-Range: bytes 0-1/9', 'Content-Range: bytes 2-3/9']],
    ['two redirect targets', ['HTTP/1.1 302 Found', 'Location: https://a/', 'Location: https://b/']],
    ['a space before the colon', ['HTTP/1.1 200 OK', 'Content-Length : 1']],
    ['a folded line', ['HTTP/1.1 200 OK', 'A: b', ' c']],
    ['a bare line feed', ['HTTP/1.1 200 OK', 'A: b\nContent-Length: 1']],
    ['a zero byte', ['HTTP/1.1 200 OK', 'A: b\0c']],
    ['a line without a name', ['HTTP/1.1 200 OK', ': b']],
  ])('is rejected with %s', (_, lines) => {
    expect(head(...lines)).toBeUndefined();
  });
});
