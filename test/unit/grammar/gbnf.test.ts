import { describe, expect, it } from '@jest/globals';
import { derive, isNullable } from '../../../host/grammar/derive.ts';
import {
  choice,
  NOTHING,
  noneOf,
  oneOf,
  type Rule,
  ref,
  repeat,
  sequence,
  text,
} from '../../../host/grammar/expression.ts';
import { toGbnf } from '../../../host/grammar/gbnf.ts';

describe('GBNF', () => {
  it('escapes special characters', () => {
    expect(toGbnf(text('a"\\\n\u0001é'))).toBe('root ::= "a\\"\\\\\\n\\x01é"');
    expect(toGbnf(noneOf('"\\'))).toBe('root ::= [\\x00-\\x21\\x23-\\x5b\\x5d-\\ud7ff\\ue000-\\U0010ffff]');
    expect(toGbnf(oneOf([0x61, 0x7a], [0x1f600, 0x1f64f]))).toBe('root ::= [a-z\\U0001f600-\\U0001f64f]');
  });

  it('contains every reachable rule', () => {
    const list: Rule = { name: 'list', body: NOTHING };
    list.body = choice(text('.'), sequence(text('a'), ref(list)));
    expect(toGbnf(sequence(ref(list), text('!')))).toBe('root ::= r0-list "!"\nr0-list ::= "." | ("a" r0-list)');
  });

  it('splits long repetitions', () => {
    const a = oneOf([0x61, 0x61]);
    expect(toGbnf(repeat(a, 2, 5))).toBe('root ::= [a]{2} [a]{0,3}');
    expect(toGbnf(repeat(a, 0, 1000))).toBe('root ::= p0-piece{0,14} [a]{0,104}\np0-piece ::= [a]{64}');
    expect(toGbnf(repeat(a, 130, undefined))).toBe('root ::= p0-piece{2} [a]{2} [a]*\np0-piece ::= [a]{64}');
    expect(toGbnf(repeat(text('ab'), 0, 9))).toBe('root ::= r0-part{0,9}\nr0-part ::= "ab"');
  });
});

describe('the derivative of a language', () => {
  it('contains everything that can follow a text', () => {
    const language = sequence(text('call:'), repeat(oneOf([0x61, 0x7a]), 1, 3), text(';'));
    const rest = derive(language, 'call:ab');
    expect(toGbnf(rest)).toBe('root ::= [a-z]? ";"');
    expect(isNullable(derive(language, 'call:abc;'))).toBe(true);
    expect(derive(language, 'call:abcd')).toBe(NOTHING);
  });
});
