import { TemplateRuntimeError } from '../errors.ts';
import type { CallArguments } from '../values/call-arguments.ts';
import { Tuple } from '../values/sequences.ts';
import type { Runtime, Value } from '../values/value.ts';
import { expectIndex, expectText, type StringMethod } from './arguments.ts';
import { isLower, isUpper } from './case-methods.ts';
import { characterCount, sliceCharacters, toCharacterIndex } from './code-points.ts';
import { WHITESPACE } from './whitespace.ts';

/** Returns `text[start:stop]` and its offset, in code points. Undefined if `start` is after the end. */
function part(text: string, start: Value, stop: Value): { text: string; offset: number } | undefined {
  const from = expectIndex(start);
  const to = expectIndex(stop);
  if (from === undefined && to === undefined) return { text, offset: 0 };
  const length = characterCount(text);
  const normalized = (index: number) => Math.max(0, index < 0 ? index + length : index);
  const offset = normalized(from ?? 0);
  if (offset > length) return undefined;
  return { text: sliceCharacters(text, offset, Math.max(offset, normalized(to ?? length))), offset };
}

function finder(name: string, last: boolean, required: boolean): StringMethod {
  return (runtime, text, args) => {
    const [sub, start = null, stop = null] = args.bind(name, ['sub', 'start', 'end'], 1);
    const wanted = expectText(name, sub);
    runtime.budget.charge(text.length * 2 + wanted.length);
    const searched = part(text, start, stop);
    const index = searched && (last ? searched.text.lastIndexOf(wanted) : searched.text.indexOf(wanted));
    if (searched === undefined || index === undefined || index === -1) {
      if (required) throw new TemplateRuntimeError('ValueError', 'substring not found');
      return -1;
    }
    return searched.offset + toCharacterIndex(searched.text, index);
  };
}

function count(runtime: Runtime, text: string, args: CallArguments): number {
  const [sub, start = null, stop = null] = args.bind('count', ['sub', 'start', 'end'], 1);
  const wanted = expectText('count', sub);
  const searched = part(text, start, stop);
  if (searched === undefined) return 0;
  if (wanted === '') return characterCount(searched.text) + 1;
  let found = 0;
  for (let index = searched.text.indexOf(wanted); index !== -1; found++) {
    runtime.budget.step();
    index = searched.text.indexOf(wanted, index + wanted.length);
  }
  return found;
}

function affix(name: string, matches: (text: string, affix: string) => boolean): StringMethod {
  return (runtime, text, args) => {
    const [prefix = null, start = null, stop = null] = args.bind(name, ['prefix', 'start', 'end'], 1);
    const searched = part(text, start, stop);
    const choices = prefix instanceof Tuple ? prefix.items : [prefix];
    return choices.some((choice) => {
      runtime.budget.step();
      const wanted = expectText(name, choice);
      return searched !== undefined && matches(searched.text, wanted);
    });
  };
}

function predicate(pattern: RegExp): StringMethod {
  return (_runtime, text, args) => {
    args.bind('method', []);
    return pattern.test(text);
  };
}

/** String methods that search and test. */
export const searchMethods = {
  find: finder('find', false, false),
  rfind: finder('rfind', true, false),
  index: finder('index', false, true),
  rindex: finder('rindex', true, true),
  count,
  startswith: affix('startswith', (text, prefix) => text.startsWith(prefix)),
  endswith: affix('endswith', (text, suffix) => text.endsWith(suffix)),
  isalpha: predicate(/^\p{L}+$/u),
  isdigit: predicate(/^[\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨]+$/u),
  isdecimal: predicate(/^\p{Nd}+$/u),
  isnumeric: predicate(/^\p{N}+$/u),
  isalnum: predicate(/^[\p{L}\p{N}]+$/u),
  isascii: predicate(/^[\0-\x7f]*$/),
  isspace: predicate(new RegExp(`^[${WHITESPACE}]+$`)),
  isidentifier: predicate(/^[\p{ID_Start}_]\p{ID_Continue}*$/u),
  isprintable: (_runtime, text, args) => {
    args.bind('isprintable', []);
    return !/\p{C}|(?! )\p{Z}/u.test(text);
  },
  isupper: (_runtime, text, args) => {
    args.bind('isupper', []);
    return isUpper(text);
  },
  islower: (_runtime, text, args) => {
    args.bind('islower', []);
    return isLower(text);
  },
  istitle: predicate(
    /^(?=[\s\S]*[\p{Lu}\p{Ll}\p{Lt}])[^\p{Ll}\p{Lu}\p{Lt}]*(?:[\p{Lu}\p{Lt}]\p{Ll}*[^\p{Ll}\p{Lu}\p{Lt}]+)*(?:[\p{Lu}\p{Lt}]\p{Ll}*)?$/u,
  ),
} satisfies Record<string, StringMethod>;
