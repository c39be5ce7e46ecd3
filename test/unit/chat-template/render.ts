import { compileTemplate, type JsonInput } from '../../../host/chat-template/chat-template.ts';

/** Values that the templates of these tests use. */
export const VARIABLES: { readonly [name: string]: JsonInput } = {
  s: 'Hello, World',
  u: 'Zoë 🙂 naïve',
  ws: '  x y\t z \n',
  n: 3,
  t: true,
  no: null,
  l: [3, 1, 2],
  ls: ['b', 'A', 'c', 'a'],
  mix: [
    1,
    'a',
    null,
    true,
    1.5,
    [1],
    {
      k: 'v',
    },
  ],
  d: {
    b: 1,
    a: 'x',
    C: null,
  },
  msgs: [
    {
      role: 'user',
      content: 'hi',
      n: 2,
    },
    {
      role: 'assistant',
      content: 'yo',
      n: 1,
      x: {
        y: 5,
      },
    },
    {
      role: 'User',
      content: 'q',
      n: 3,
    },
  ],
  nest: {
    a: {
      b: [
        10,
        {
          c: 'deep',
        },
      ],
    },
  },
  long: 'the quick brown fox jumps over the lazy dog again and again until the well-known story ends',
};

/** Local time that `strftime_now` tells in these tests. */
const NOW = new Date(2025, 6, 4, 9, 5, 3);

/** Renders a template with {@link VARIABLES} and those given. */
export function render(source: string, variables: { readonly [name: string]: JsonInput } = {}): string {
  return compileTemplate(source).render({ ...VARIABLES, ...variables }, { now: NOW }).text;
}
