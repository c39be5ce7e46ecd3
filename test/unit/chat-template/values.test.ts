import { describe, expect, it } from '@jest/globals';
import { Float } from '../../../host/chat-template/chat-template.ts';
import { render } from './render.ts';

describe('the variables of a template', () => {
  it('are JSON, with floats for numbers with a fraction', () => {
    expect(render('{{ v }}', { v: [1, 1.5, 'a', null, true, { b: [] }] })).toBe("[1, 1.5, 'a', None, True, {'b': []}]");
  });

  it('can be whole floats and large integers', () => {
    expect(render('{{ v|tojson }}', { v: [new Float(1), 2n ** 70n] })).toBe('[1.0, 1180591620717411303424]');
  });

  it('are floats if JavaScript prints an exponent', () => {
    expect(render('{{ v|tojson }}', { v: [1e20, 1e21, 1e-7] })).toBe('[100000000000000000000, 1e+21, 1e-07]');
  });

  it('omit undefined values', () => {
    expect(render('{{ v is defined }}{{ w.x is defined }}{{ w }}', { v: undefined, w: { x: undefined } })).toBe(
      'FalseFalse{}',
    );
  });

  it('may have the names of JavaScript properties', () => {
    const v = JSON.parse('{"__proto__": 1, "constructor": 2, "toString": 3}');
    expect(render("{{ v['__proto__'] }}{{ v.constructor }}{{ v.toString }}{{ v|length }}", { v })).toBe('1233');
  });

  it('hide functions of the same name', () => {
    expect(render('{{ range }}', { range: 'mine' })).toBe('mine');
  });
});
