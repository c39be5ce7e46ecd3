import { describe, expect, it } from '@jest/globals';
import { mergeConversations, mergeMessages } from '../../../host/conversations/merge.ts';
import type { ConversationRow, MessageRow } from '../../../host/conversations/types.ts';
import { seededRandom } from '../../../host/vectors/random.ts';

const random = seededRandom(1);
const below = (limit: number) => Math.floor(random() * limit);
const oneOf = <T>(...values: T[]) => values[below(values.length)] as T;

/** Values are few, so that equal times and different contents are frequent. */
function conversation(): ConversationRow {
  const deleted = below(4) === 0;
  return {
    id: 'a',
    user_id: oneOf('default', 'other'),
    title: deleted ? '' : oneOf('x', 'y'),
    topic: deleted ? null : oneOf(null, '', 'z'),
    domain: null,
    created_at: below(3),
    updated_at: below(3),
    title_updated_at: below(3),
    pinned: !deleted && below(2) === 0,
    system_prompt: deleted ? null : oneOf(null, '', 'be brief'),
    model: deleted ? null : oneOf(null, 'm'),
    settings: deleted ? null : oneOf(null, { temperature: 0 }),
    selected_id: deleted ? null : oneOf(null, 'm1', 'm2'),
    selected_at: deleted ? 0 : below(3),
    incarnation: below(2),
    deleted,
  };
}

function message(): MessageRow {
  const deleted = below(4) === 0;
  return {
    id: 'm',
    conversation_id: 'a',
    role: oneOf('user', 'assistant'),
    content: deleted ? '' : oneOf('x', 'y'),
    created_at: below(3),
    updated_at: below(3),
    status: oneOf('done', 'stopped'),
    model: oneOf(null, 'm'),
    details: deleted ? null : oneOf(null, { reasoning_content: 'x' }),
    parent_id: oneOf(null, '', 'm0'),
    incarnation: below(2),
    position: below(3),
    deleted,
  };
}

describe.each<[string, () => object, (a: never, b: never) => object]>([
  ['conversations', conversation, mergeConversations],
  ['messages', message, mergeMessages],
])('merging %s', (_, make, merge) => {
  const merged = (a: object, b: object) => merge(a as never, b as never);
  const samples = Array.from({ length: 3_000 }, () => [make(), make(), make()] as const);

  it('does not depend on the order of the versions', () => {
    for (const [a, b, c] of samples) {
      expect(merged(a, b)).toEqual(merged(b, a));
      expect(merged(merged(a, b), c)).toEqual(merged(a, merged(b, c)));
    }
  });

  it('changes nothing if a version is merged again', () => {
    for (const [a, b] of samples) {
      expect(merged(a, a)).toEqual(a);
      expect(merged(merged(a, b), b)).toEqual(merged(a, b));
    }
  });
});
