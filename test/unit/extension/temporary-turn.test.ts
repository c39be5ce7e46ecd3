import { describe, expect, it } from '@jest/globals';
import { RequestError } from '../../../extension/host-connection.ts';
import type { StoredMessage } from '../../../extension/page/chat/conversations.svelte.ts';
import { finishTurn, temporaryAnswer, temporaryTurn } from '../../../extension/page/chat/temporary-turn.ts';

const CHAT = { conversationId: 'c', systemPrompt: '', settings: {} };

function message(id: string, role: string, fields: Partial<StoredMessage> = {}): StoredMessage {
  const times = { created_at: 1, updated_at: 1 };
  return { id, conversation_id: 'c', role, content: id, status: 'done', parent_id: null, ...times, ...fields };
}

const [question, answer] = [message('q', 'user'), message('a', 'assistant', { parent_id: 'q' })];
const texts = (messages: readonly { content?: unknown }[] = []) => messages.map(({ content }) => content);

describe('a turn of a temporary chat', () => {
  it('adds a message to those before it', () => {
    const { messages, request } = temporaryTurn([question, answer], { message: 'r' }, { ...CHAT, systemPrompt: 's' });
    expect(messages).toMatchObject([
      question,
      answer,
      { role: 'user', content: 'r', parent_id: 'a' },
      { role: 'assistant', content: '', status: 'streaming' },
    ]);
    expect(request).toMatchObject({ chat_id: 'c', store: false, context_overflow: 'trim' });
    expect(request.messages).toEqual([
      { role: 'system', content: 's' },
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'a' },
      { role: 'user', content: 'r' },
    ]);
  });

  it('replaces an edited message and what follows it', () => {
    const { messages } = temporaryTurn([question, answer], { message: 'r', parent_id: null }, CHAT);
    expect(texts(messages)).toEqual(['r', '']);
  });

  it('replaces an answer, or answers a message without one', () => {
    const shown = [question, answer, message('r', 'user'), message('b', 'assistant')];
    expect(texts(temporaryTurn(shown, { regenerate: 'a' }, CHAT).messages)).toEqual(['q', '']);
    expect(texts(temporaryTurn(shown.slice(0, 3), { regenerate: 'r' }, CHAT).messages)).toEqual(['q', 'a', 'r', '']);
  });

  it('continues the last answer, or generates it again if it is empty', () => {
    const cut = temporaryTurn([question, { ...answer, status: 'length' }], { continue: true }, CHAT);
    expect(cut.answer).toMatchObject({ id: 'a', content: 'a', status: 'streaming' });
    expect(cut.request).toMatchObject({ continue: true });
    expect(texts(cut.request.messages)).toEqual(['q', 'a']);
    const failed = message('f', 'assistant', { content: '', status: 'failed' });
    const again = temporaryTurn([question, failed], { continue: true }, CHAT);
    expect(again.messages).toMatchObject([question, { id: 'f', status: 'streaming' }]);
    expect(again.request).not.toHaveProperty('continue');
    expect(texts(again.request.messages)).toEqual(['q']);
  });

  it('omits a failed answer and its question', () => {
    const failed = message('f', 'assistant', { content: '', status: 'failed' });
    const { request } = temporaryTurn([question, answer, message('r', 'user'), failed], { message: 's' }, CHAT);
    expect(texts(request.messages)).toEqual(['q', 'a', 's']);
  });

  it('continues an answer that was stopped during its reasoning', () => {
    const cut = { ...answer, content: '', reasoning_content: 'hm', status: 'length' as const };
    const { request } = temporaryTurn([question, cut], { continue: true }, CHAT);
    expect(request).toMatchObject({ continue: true });
    expect(request.messages).toEqual([
      { role: 'user', content: 'q' },
      { role: 'assistant', content: '', reasoning_content: 'hm' },
    ]);
  });

  it('keeps the part of a failed answer that was received', async () => {
    const turn = temporaryTurn([], { message: 'q' }, CHAT);
    const store = { request: () => Promise.reject(new RequestError('ENGINE_CRASHED', 'It crashed.')) };
    const { answer: ended, error } = await finishTurn(turn, store, () => ({ text: 'half', reasoning: 'hm' }));
    const { id } = turn.answer;
    expect(ended).toMatchObject({ id, content: 'half', reasoning_content: 'hm', status: 'failed' });
    expect(error).toMatchObject({ code: 'ENGINE_CRASHED' });
    expect((await finishTurn(turn, store, () => undefined)).answer).toMatchObject({ content: '', status: 'failed' });
  });

  it("ends with the host's answer", () => {
    const usage = {
      promptTokens: 1,
      cachedPromptTokens: 0,
      completionTokens: 2,
      reasoningTokens: 0,
      timeToFirstTokenMs: 1,
      tokensPerSecond: 1,
    };
    const reply = { modelId: 'm', output: ' b', generatedText: ' b', tps: 1, numTokens: 2, usage };
    const trimmed = { messages: 2, tokens: 9 };
    const started = { ...answer, status: 'streaming' as const };
    expect(temporaryAnswer(started, { ...reply, finishReason: 'length', trimmed })).toMatchObject({
      content: 'a b',
      status: 'length',
      usage: { completionTokens: 2, trimmed },
    });
    expect(temporaryAnswer(started, { ...reply, finishReason: 'stop', reasoning: 'hm' })).toMatchObject({
      status: 'done',
      reasoning_content: 'hm',
    });
  });
});
