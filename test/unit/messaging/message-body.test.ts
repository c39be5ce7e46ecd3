import { describe, expect, it } from '@jest/globals';
import { MAX_JSON_DEPTH, MAX_JSON_NODES } from '../../../host/common/json-limits.ts';
import { parseBody } from '../../../host/messaging/message-body.ts';

const parse = (text: string) => parseBody(Buffer.from(text));

describe('parseBody', () => {
  it('parses a JSON object', () => {
    expect(parse('{"action":"PING","text":"é漢😀","n":[1,null]}')).toEqual({
      action: 'PING',
      text: 'é漢😀',
      n: [1, null],
    });
  });

  it.each([
    ['', 'nothing'],
    ['{"a":', 'text that is not JSON'],
    ['{} {}', 'text that is not JSON'],
    ['\ufeff{}', 'text that is not JSON'],
    ['null', 'null'],
    ['[{"action":"PING"}]', 'an array'],
    ['"PING"', 'a string'],
    ['1', 'a number'],
    ['true', 'a boolean'],
  ])('rejects %j: found %s', (text, found) => {
    expect(parse(text)).toMatchObject({ code: 'INVALID_JSON', details: { found, bytes: Buffer.byteLength(text) } });
  });

  it.each([
    ['a lone continuation byte', [0x80]],
    ['a cut sequence', [0xe6, 0xbc]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a code point past U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ])('rejects %s instead of replacing it by U+FFFD', (_, bytes) => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Uint8Array.from(bytes), Buffer.from('"}')]);
    expect(parseBody(body)).toMatchObject({ code: 'INVALID_JSON', details: { found: 'bytes that are not UTF-8' } });
  });

  it('accepts a U+FFFD that was sent', () => {
    expect(parse('{"a":"\ufffd"}')).toEqual({ a: '\ufffd' });
  });

  it('never quotes the content', () => {
    for (const text of ['{"token":"hf_secret"', '"hf_secret"', '["hf_secret"]']) {
      const { message, details } = parse(text);
      expect(JSON.stringify([message, details])).not.toContain('hf_secret');
    }
  });

  it('does not let a `__proto__` key change a prototype', () => {
    const message = parse('{"__proto__":{"action":"PING"},"x":{"__proto__":{"polluted":true}}}');
    expect('action' in message).toBe(false);
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('accepts the maximum nesting, and rejects one level more', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}"x"${']'.repeat(depth - 1)}}`;
    expect(parse(nested(MAX_JSON_DEPTH))).toHaveProperty('a');
    expect(parse(nested(MAX_JSON_DEPTH + 1))).toMatchObject({
      code: 'INVALID_JSON',
      details: { found: 'more than 1000 levels of nesting' },
    });
  });

  it('rejects 64 MiB of brackets before parsing them', () => {
    expect(parseBody(Buffer.alloc(64 * 1024 * 1024, '['))).toMatchObject({ code: 'INVALID_JSON' });
    const wide = Buffer.from(`{"a":[${'{},'.repeat(MAX_JSON_NODES)}{}]}`);
    expect(parseBody(wide)).toMatchObject({
      code: 'INVALID_JSON',
      details: { found: `more than ${MAX_JSON_NODES} objects, arrays, elements and members` },
    });
  });

  it('accepts the maximum number of list elements, and rejects more', () => {
    const list = (count: number) => parseBody(Buffer.from(`{"a":[${Array(count).fill('1').join()}]}`));
    // The object and the array also count, but not the first element of each.
    expect(list(MAX_JSON_NODES - 1)).toHaveProperty('a');
    expect(list(MAX_JSON_NODES)).toMatchObject({ code: 'INVALID_JSON' });
  });

  it('ignores brackets inside strings, whatever their escapes', () => {
    const brackets = '[{:'.repeat(2000);
    const texts = [brackets, `\\${brackets}`, `${brackets}\\`, `"${brackets}"`, `\\"${brackets}\\\\"`, '\\'.repeat(99)];
    for (const end of ['"', '\\"', '\\']) texts.push(`${'x'.repeat(70)}${end}`, brackets);
    const message = { texts, [`"${brackets}`]: texts.map((text) => 'x'.repeat(62) + text) };
    expect(parse(JSON.stringify(message))).toEqual(message);
  });

  it('counts nesting after strings of every length that end in backslashes', () => {
    const deep = '['.repeat(1001) + ']'.repeat(1001);
    for (let length = 0; length < 200; length += 1) {
      const text = JSON.stringify('x'.repeat(length) + '\\'.repeat(length % 5));
      expect(parse(`{${text}:${text},"b":${deep}}`)).toMatchObject({ code: 'INVALID_JSON' });
    }
  });
});
