import { describe, expect, it } from '@jest/globals';
import { promptMessages } from '../../../host/conversations/prompt-messages.ts';
import type { Message, MessageDetails, MessageStatus } from '../../../host/conversations/types.ts';

function message(
  role: string,
  content: string,
  more: { status?: MessageStatus; details?: MessageDetails } = {},
): Message {
  const { status = 'done', details = null } = more;
  return {
    id: content,
    conversation_id: 'a',
    role,
    content,
    created_at: 1,
    updated_at: 1,
    status,
    model: null,
    details,
  };
}

const user = (content: string) => message('user', content);
const answer = (content: string, status: MessageStatus = 'done') => message('assistant', content, { status });
const call = (id: string) => message('assistant', '', { details: { tool_calls: [{ id }] } });
const result = (id: string) => message('tool', `result of ${id}`, { details: { tool_call_id: id } });

const sent = (...branch: Message[]) =>
  promptMessages(branch).map(
    ({ role, content, tool_calls }) => `${role}: ${tool_calls === undefined ? content : 'call'}`,
  );

describe('the messages that are sent to a model', () => {
  it('are turns with answers, including those that were stopped or reached a limit', () => {
    expect(
      sent(user('a'), answer('b'), user('c'), answer('d', 'stopped'), user('e'), answer('f', 'length'), user('g')),
    ).toEqual(['user: a', 'assistant: b', 'user: c', 'assistant: d', 'user: e', 'assistant: f', 'user: g']);
  });

  it.each([
    ['failed', answer('half an answer', 'failed')],
    ['empty', answer('', 'stopped')],
    ['blank', answer(' \n')],
  ])('omit a turn whose answer is %s', (_, bad) => {
    expect(sent(user('a'), bad, user('b'), answer('c'), user('d'))).toEqual(['user: b', 'assistant: c', 'user: d']);
  });

  it('include a turn whose second answer is complete, and one of two consecutive questions', () => {
    expect(sent(user('a'), answer('', 'failed'), answer('b'), user('c'))).toEqual([
      'user: a',
      'assistant: b',
      'user: c',
    ]);
    expect(sent(user('a'), user('b'))).toEqual(['user: a', 'user: b']);
  });

  it('start with a question, and include system messages wherever they are', () => {
    expect(sent(message('system', 's'), answer('hello'), user('a'))).toEqual(['system: s', 'user: a']);
    expect(sent(user('a'), message('system', 's'), answer('', 'failed'), user('b'))).toEqual(['system: s', 'user: b']);
    expect(sent(message('narrator', 'n'), user('a'))).toEqual(['user: a']);
  });

  it('include tool calls only with their results, and results only with their calls', () => {
    expect(sent(user('a'), call('1'), result('1'), answer('b'), user('c'))).toEqual([
      'user: a',
      'assistant: call',
      'tool: result of 1',
      'assistant: b',
      'user: c',
    ]);
    expect(sent(user('a'), call('1'), user('b'))).toEqual(['user: a', 'user: b']);
    expect(sent(user('a'), result('1'), answer('b'), user('c'))).toEqual(['user: a', 'assistant: b', 'user: c']);
    expect(sent(user('a'), call('1'), result('1'))).toEqual(['user: a', 'assistant: call', 'tool: result of 1']);
  });

  it('include reasoning, calls and parts, but no usage', () => {
    const parts = [{ type: 'image_url' }];
    const details = { reasoning_content: 'r', name: 'n', usage: { promptTokens: 1 } };
    expect(
      promptMessages([message('user', 'a', { details: { parts } }), message('assistant', 'b', { details }), user('c')]),
    ).toEqual([
      { role: 'user', content: parts },
      { role: 'assistant', content: 'b', reasoning_content: 'r', name: 'n' },
      { role: 'user', content: 'c' },
    ]);
  });
});
