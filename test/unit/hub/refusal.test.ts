import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { HttpResponse } from '../../../host/hub/http.ts';
import { readRefusal } from '../../../host/hub/refusal.ts';

const TOKEN = 'test-token-0123456789';

function answer(headers: Record<string, string>, body: Iterable<string> = []): HttpResponse {
  return {
    url: new URL('https://hub.example/'),
    address: undefined,
    status: 403,
    headers,
    body: Readable.from(body, { objectMode: false }),
  };
}

const reasonOf = async (headers: Record<string, string>, ...body: string[]) =>
  (await readRefusal(answer(headers, body), { secrets: [TOKEN] })).reason;

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

describe('readRefusal', () => {
  it('reads the code and the reason of the headers', async () => {
    const headers = { 'x-error-code': 'GatedRepo', 'x-error-message': 'Access is restricted.', 'retry-after': '3' };
    expect(await readRefusal(answer(headers))).toEqual({
      status: 403,
      code: 'GatedRepo',
      reason: 'Access is restricted.',
      waitMs: 3000,
    });
  });

  it.each([
    ['a text', '{"error":"Too many requests"}'],
    ['an object', '{"error":{"message":"Too many requests"}}'],
    ['under another name', '{"message":"Too many requests"}'],
  ])('reads the reason of a JSON body: %s', async (_what, body) =>
    expect(await reasonOf(JSON_TYPE, body)).toBe('Too many requests'),
  );

  it('reads plain text, but not a web page', async () => {
    expect(await reasonOf({ 'content-type': 'text/plain' }, 'too many ', 'connections\n')).toBe('too many connections');
    expect(await reasonOf({ 'content-type': 'text/html' }, '<h1>no</h1>')).toBeUndefined();
  });

  it.each([
    ['a body that is not JSON', JSON_TYPE, '{"error":'],
    ['a body of another form', JSON_TYPE, '[1]'],
    ['an empty reason', { 'x-error-message': ' ' }, ''],
  ])('finds no reason in %s', async (_what, headers, body) => expect(await reasonOf(headers, body)).toBeUndefined());

  it('ignores a malformed code', async () =>
    expect((await readRefusal(answer({ 'x-error-code': 'a b\u0007' }))).code).toBeUndefined());

  it('keeps one short line without control characters', async () => {
    expect(await reasonOf(JSON_TYPE, JSON.stringify({ error: 'a\r\n\u001b[31mb\u202ec\t d' }))).toBe('a [31mb c d');
    expect([...((await reasonOf(JSON_TYPE, JSON.stringify({ error: '😀'.repeat(1000) }))) ?? '')]).toHaveLength(301);
  });

  it.each([
    ['the token', `bad token ${TOKEN}!`],
    ['a part that looks like one', 'bad token hf_abcdefghij'],
    ['a header', 'Authorization: Bearer abc.def'],
    ['a signature', 'expired: https://cdn.example/x?Signature=abc&Key=1'],
    ['a password', 'https://user:abc@proxy.example/'],
  ])('does not repeat %s', async (_what, error) => {
    const reason = await reasonOf(JSON_TYPE, JSON.stringify({ error }));
    expect(reason).toContain('…');
    expect(reason).not.toMatch(/abc|0123456789/);
  });

  it('reads UTF-8 in a header', async () =>
    expect(await reasonOf({ 'x-error-message': Buffer.from('gesperrt für Sie').toString('latin1') })).toBe(
      'gesperrt für Sie',
    ));

  it('does not read an endless body', async () => {
    let sent = 0;
    function* endless() {
      for (;;) {
        sent += 1;
        yield 'x'.repeat(1000);
      }
    }
    await readRefusal(answer({ 'content-type': 'text/plain' }, endless()));
    expect(sent).toBeLessThan(200);
  });
});
