import { describe, expect, it } from '@jest/globals';
import { Branches } from '../../../host/conversations/branches.ts';
import { seededRandom } from '../../../host/vectors/random.ts';

/** Creates a conversation from `id`, `id<parent` (`id<` for a first message) and `!id` for a deleted message. */
function branches(text: string): Branches {
  const nodes = text.split(' ').map((word, number) => {
    const [id = '', parent = null] = word.replace('!', '').split('<');
    return { number, id, parent, role: 'user', isDeleted: word.startsWith('!') };
  });
  return new Branches(nodes);
}

const ids = (nodes: readonly { readonly id: string }[]) => nodes.map(({ id }) => id).join(' ');

describe('the branches of a conversation', () => {
  it('are a single one in chronological order if no message has a parent', () => {
    expect(ids(branches('a b c').shown(null))).toBe('a b c');
    expect(ids(branches('a !b c').shown(null))).toBe('a c');
    expect(branches('a !b c').shown(null)[1]?.before).toBe('a');
  });

  it.each([
    ['a b c d<b', null, 'a b d'],
    ['a b c d<b', 'c', 'a b c'],
    ['a b c d<b e', 'a', 'a b d e'],
    ['a b c< d', null, 'c d'],
    ['a b c< d', 'b', 'a b'],
    ['a b c d<b !e', 'd', 'a b d'],
    ['a b !c d<c', 'd', 'a b d'],
    ['a b c d<b', 'unknown', 'a b d'],
    ['!a !b', null, ''],
    ['a b c d<b !e<b', 'e', 'a b d'],
    ['a b !c<a !d', 'd', 'a b'],
    ['a b !c< !d', 'd', 'a b'],
    ['a !b c', 'b', 'a c'],
  ])('%s with %s selected shows %s', (text, selected, shown) => {
    expect(ids(branches(text).shown(selected))).toBe(shown);
  });

  it('have alternatives if messages have the same parent', () => {
    const tree = branches('a b c d<b !e<b f<b');
    const shown = tree.shown('d');
    expect([...tree.siblings(shown)]).toEqual([['d', ['c', 'd', 'f']]]);
    const roots = branches('a b c< d');
    expect([...roots.siblings(roots.shown(null))]).toEqual([['c', ['a', 'c']]]);
  });

  it('have no cycles, whatever parents another program stored', () => {
    const random = seededRandom(3);
    const below = (limit: number) => Math.floor(random() * limit);
    for (let round = 0; round < 300; round += 1) {
      const size = 1 + below(8);
      const words = Array.from({ length: size }, (_, i) => {
        const parent = [null, '', 'x', `m${below(size)}`][below(4)];
        return `${below(4) === 0 ? '!' : ''}m${i}${parent == null ? '' : `<${parent}`}`;
      });
      const tree = branches(words.join(' '));
      for (const selected of [null, ...words.map((_, i) => `m${i}`)]) {
        const shown = tree.shown(selected);
        expect(new Set(shown.map(({ id }) => id)).size).toBe(shown.length);
        if (selected !== null && tree.has(selected)) expect(shown.map(({ id }) => id)).toContain(selected);
      }
    }
  });

  it('continue after the last message of a page, even if another branch is shown by then', () => {
    const tree = branches('a b c d<b e');
    const at = (number: number, selected: string) => {
      const shown = tree.shown(selected);
      return ids(shown.slice(tree.after(number, shown)));
    };
    expect(at(1, 'c')).toBe('c');
    expect(at(2, 'd')).toBe('d e');
    expect(at(4, 'c')).toBe('');
  });
});
