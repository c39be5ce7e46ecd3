import { describe, expect, it } from '@jest/globals';
import {
  compileTemplate,
  TemplateRaisedError,
  TemplateRuntimeError,
  TemplateSyntaxError,
} from '../../../host/chat-template/chat-template.ts';
import { render } from './render.ts';

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('It did not throw.');
}

describe('errors of a template', () => {
  it("keep the template's own message", () => {
    const error = errorOf(() => render("{{ raise_exception('no such role: ' ~ s) }}"));
    expect(error).toBeInstanceOf(TemplateRaisedError);
    expect(error).toMatchObject({ message: 'no such role: Hello, World' });
  });

  it.each([
    ['{{ undef.x }}', 'UndefinedError', "'undef' is undefined"],
    ['{{ d.q.r }}', 'UndefinedError', "'dict object' has no attribute 'q'"],
    ['{{ no.x.y }}', 'UndefinedError', "'None' has no attribute 'x'"],
    ['{{ l[9].x }}', 'UndefinedError', 'list object has no element 9'],
    ['{{ undef + 1 }}', 'UndefinedError', "'undef' is undefined"],
    ['{{ undef() }}', 'UndefinedError', "'undef' is undefined"],
    ['{{ undef|int }}', 'UndefinedError', "'undef' is undefined"],
    ['{% for x in no %}{% endfor %}', 'TypeError', "'NoneType' object is not iterable"],
    ["{{ 'a' + 1 }}", 'TypeError', 'can only concatenate str (not "int") to str'],
    ["{{ 'a' in no }}", 'TypeError', "argument of type 'NoneType' is not iterable"],
    ["{{ 1 < 'a' }}", 'TypeError', "'<' not supported between instances of 'int' and 'str'"],
    ['{{ no|length }}', 'TypeError', "object of type 'NoneType' has no len()"],
    ['{{ undef|tojson }}', 'TypeError', 'Object of type Undefined is not JSON serializable'],
    ["{{ l|map('string')|tojson }}", 'TypeError', 'Object of type generator is not JSON serializable'],
    ['{{ {[1]: 2} }}', 'TypeError', "unhashable type: 'list'"],
    ['{{ l.append(1) }}', 'SecurityError', "access to attribute 'append' of 'list' object is unsafe."],
    ['{{ d.update(d) }}', 'SecurityError', "access to attribute 'update' of 'dict' object is unsafe."],
    ['{{ s.__class__.__mro__ }}', 'SecurityError', "access to attribute '__class__' of 'str' object is unsafe."],
    ['{% set d.x = 1 %}', 'TemplateRuntimeError', 'cannot assign attribute on non-namespace object'],
    ['{% set a, b = l %}', 'ValueError', 'too many values to unpack (expected 2)'],
    ['{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}', 'TypeError', "macro 'm' takes not more than 1 argument(s)"],
    ['{{ 1 // 0 }}', 'ZeroDivisionError', 'integer division or modulo by zero'],
    ["{{ s.find('o', 'x') }}", 'TypeError', 'slice indices must be integers or None or have an __index__ method'],
    ["{{ s.startswith('H', 'x') }}", 'TypeError', 'slice indices must be integers or None or have an __index__ method'],
    ['{{ d|attr(1) }}', 'TypeError', "attribute name must be string, not 'int'"],
    ['{{ s|trim(1) }}', 'TypeError', 'trim: expected a string, got int'],
    ["{{ l|sort('a') }}", 'TypeError', "sort: 'str' object cannot be interpreted as an integer"],
    ['{{ range(3).index(7) }}', 'ValueError', 'value is not in range'],
    ['{{ range(3).constructor.x }}', 'UndefinedError', "'range object' has no attribute 'constructor'"],
    ["{{ l|map('nofilter')|list }}", 'TemplateRuntimeError', "No filter named 'nofilter'."],
    ['{% if t %}{{ l|nofilter }}{% endif %}', 'TemplateRuntimeError', "No filter named 'nofilter' found."],
  ])('%s is a %s', (template, type, message) => {
    const error = errorOf(() => render(template));
    expect(error).toBeInstanceOf(TemplateRuntimeError);
    expect(error).toMatchObject({ type, message });
  });

  it.each(["{% include 'x' %}", "{% import 'x' as y %}", "{% from 'x' import y %}", "{% extends 'x' %}"])(
    '%s, since there is nothing to load',
    (template) => {
      expect(errorOf(() => render(template))).toBeInstanceOf(TemplateRuntimeError);
      expect(render(`{% if no %}${template}{% endif %}fine`)).toBe('fine');
    },
  );

  it.each([
    '{% if %}{% endif %}',
    '{% if t %}',
    '{% endif %}',
    '{% foo %}',
    '{{',
    '{{ }}',
    '{{ 1 2 }}',
    '{{ (1 }}',
    '{{ ] }}',
    '{# x',
    '{% raw %}x',
    "{{ 'x }}",
    '{{ x! }}',
    '{{ x| }}',
    '{% set true = 1 %}',
    '{% set a.b.c = 1 %}',
    '{% macro m(a=1, b) %}{% endmacro %}',
    '{% call x %}{% endcall %}',
    '{{ f(a=1, 2) }}',
    '{% break %}',
    '{% for i in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}',
    '{% for loop in l %}{% endfor %}',
    '{% block a %}{% endblock %}{% block a %}{% endblock %}',
    '{{ l|nofilter }}',
    '{{ l is notest }}',
    '{% if t %}{% for x in l %}{{ x|nofilter }}{% endfor %}{% endif %}',
  ])('%s is not a valid template', (template) => {
    expect(errorOf(() => compileTemplate(template))).toBeInstanceOf(TemplateSyntaxError);
  });

  it('report the line of a syntax error', () => {
    expect(errorOf(() => compileTemplate('a\n{{ n }}\n{% foo %}'))).toMatchObject({ line: 3 });
  });

  it('do not include an unknown filter in a branch that is not rendered', () => {
    expect(render('{% if no %}{{ l|nofilter }}{% endif %}{{ l|nofilter if no }}fine')).toBe('fine');
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'prototype'])(
    'does not show the template %s, which is JavaScript',
    (name) => {
      for (const value of ['s', 'l', 'd', 'n', 'range', 'namespace()', '1.5', '(1,)', 's.upper', 'd.items()']) {
        expect(render(`{{ ${value}['${name}'] is defined and ${value}['${name}'] is callable }}`)).not.toBe('True');
      }
      expect(errorOf(() => render(`{{ l|map('${name}')|list }}`))).toBeInstanceOf(TemplateRuntimeError);
      expect(errorOf(() => render(`{% if t %}{{ l is ${name} }}{% endif %}`))).toBeInstanceOf(TemplateRuntimeError);
    },
  );
});
