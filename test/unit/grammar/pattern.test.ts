import { describe, expect, it } from '@jest/globals';
import { accepts } from '../../../host/grammar/derive.ts';
import { oneOf } from '../../../host/grammar/expression.ts';
import { matchLanguage, PatternError, patternLanguage } from '../../../host/grammar/pattern.ts';
import { regularRules } from '../../../host/grammar/regular.ts';

const PATTERNS = [
  'a',
  '^a',
  'a$',
  '^a|b$',
  '^[^x]{2,4}$',
  '(^ab?c|d.e)f*$',
  '^(\\d{3}-)?\\d+$',
  '^\\S+(?: \\S+)*$',
  '^(?:(a|b)*c){0,3}$',
  '^(?=.*\\d)[a-z0-9]{2,}$',
  '^(?!a)\\w+$',
  '[\\]a-c-]',
  '^[\\u00e4-\\u00fc]+$',
  '^(?<name>a+)b$',
  '^a{2}$',
  '^a{2,}$',
  '^\\x41\\t?$',
  '',
];
const TEXTS = [
  '',
  'a',
  'b',
  'ab',
  'ba',
  'aa',
  'aaa',
  'abc',
  'acff',
  'dxef',
  'dd',
  '123-4',
  '12',
  '1234-5',
  'hi there',
  'hi  x',
  ' x',
  'ababcbc',
  '😀😀',
  'äü',
  'x1',
  'aab',
  'A',
  'A\t',
  ']',
  '-',
  'a\nb',
];

describe('a regular expression', () => {
  it.each(PATTERNS)('%j matches the same text as in JavaScript, as a language and as rules', (pattern) => {
    const language = patternLanguage(pattern);
    const rules = regularRules(language, (ranges) => oneOf(...ranges));
    const expected = TEXTS.filter((text) => new RegExp(pattern, 'u').test(text));
    expect(TEXTS.filter((text) => accepts(language, text))).toEqual(expected);
    expect(TEXTS.filter((text) => accepts(rules, text))).toEqual(expected);
  });

  it.each([
    '(',
    ')',
    '[a',
    '*a',
    'a{2,1}',
    'a**',
    '\\p{L}',
    '\\k<a>',
    '(?<!a)b',
    '\\bx',
    '(^a)*',
    '(?:'.repeat(40),
    '\\ud83d',
    'x{99999}',
  ])('%j is rejected', (pattern) => {
    expect(() => patternLanguage(pattern)).toThrow(PatternError);
  });
});

describe('a whole match', () => {
  it.each([
    ['hello', '', ['hello'], ['hello ', 'Hello', '', 'oh hello']],
    ['^Greetings.*', '', ['Greetings', 'Greetings to all'], ['greetings', 'Greetings\n']],
    ['a|b$', '', ['a', 'b'], ['ab', 'ba']],
    ['x(?=y).', '', ['xy'], ['x', 'xz']],
    ['äb[c-e]', 'i', ['ÄBD', 'äbe'], ['äb', 'aBd']],
    ['[^a]', 'iu', ['b', 'B'], ['a', 'A']],
    ['.', 'gs', ['\n', 'a'], ['ab']],
  ])('of %s with the flags "%s"', (pattern, flags, matching, others) => {
    const language = regularRules(matchLanguage(pattern, flags));
    expect(matching.filter((text) => !accepts(language, text))).toEqual([]);
    expect(others.filter((text) => accepts(language, text))).toEqual([]);
  });

  it('is rejected with flags that change the meaning of a pattern', () => {
    expect(() => matchLanguage('a', 'm')).toThrow('the flag "m"');
    expect(() => matchLanguage('a', 'gv')).toThrow('the flag "v"');
  });
});
