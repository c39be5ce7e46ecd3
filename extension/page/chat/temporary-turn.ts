import type { PayloadOf, RequestOf } from '../../../host/protocol/messages.ts';
import { type ErrorView, viewError } from '../error-view.ts';
import type { Store } from '../store.svelte.ts';
import type { ConversationSettings, StoredMessage } from './conversations.svelte.ts';
import type { LiveAnswer } from './live-answers.svelte.ts';
import { isEmptyFailure } from './thread.ts';

type GenerateFields = Partial<RequestOf<'GENERATE'>>;

/** A turn of a conversation that exists only on the page. */
export interface TemporaryTurn {
  /** The messages of the conversation; the last one is the answer. */
  readonly messages: readonly StoredMessage[];
  readonly answer: StoredMessage;
  /** The fields of the request: with the messages themselves, because the host does not store them. */
  readonly request: GenerateFields;
}

/** The properties of a temporary conversation, apart from its messages. */
export interface TemporaryOptions {
  readonly conversationId: string;
  readonly systemPrompt: string;
  readonly settings: NonNullable<ConversationSettings['settings']>;
}

/** Returns the turn for the fields of a `GENERATE` request for a stored conversation. */
export function temporaryTurn(
  shown: readonly StoredMessage[],
  { message, parent_id: parent, regenerate, continue: continues }: GenerateFields,
  { conversationId, systemPrompt, settings }: TemporaryOptions,
): TemporaryTurn {
  const make = (role: string, content: string, status: StoredMessage['status'], before: readonly StoredMessage[]) => {
    const time = Date.now() / 1000;
    const parent_id = before.at(-1)?.id ?? null;
    const [id, times] = [crypto.randomUUID(), { created_at: time, updated_at: time }];
    return { id, conversation_id: conversationId, role, content, status, parent_id, ...times };
  };
  const upTo = (id: string | null | undefined) => shown.slice(0, shown.findIndex((other) => other.id === id) + 1);
  let before = shown;
  if (typeof message === 'string') {
    const base = parent === undefined ? shown : upTo(parent);
    before = [...base, make('user', message, 'done', base)];
  } else if (regenerate !== undefined) {
    before = upTo(regenerate);
    if (before.at(-1)?.role === 'assistant') before = before.slice(0, -1);
  } else before = shown.slice(0, -1);
  const last = continues === true ? shown.at(-1) : undefined;
  const answer: StoredMessage = { ...(last ?? make('assistant', '', 'done', before)), status: 'streaming' };
  const { content, reasoning_content = '' } = answer;
  const isContinued = content !== '' || reasoning_content !== '';
  const isFailed = (other: StoredMessage | undefined) => other !== undefined && isEmptyFailure(other);
  // A question without an answer is left out with its failure: many chat templates require both sides to alternate.
  const answered = before.filter((other, index) => !isFailed(other) && !isFailed(before[index + 1]));
  const started = { role: 'assistant', content, ...(reasoning_content === '' ? {} : { reasoning_content }) };
  const system = systemPrompt === '' ? [] : [{ role: 'system', content: systemPrompt }];
  return {
    messages: [...before, answer],
    answer,
    request: {
      chat_id: conversationId,
      store: false,
      settings,
      context_overflow: 'trim',
      messages: [
        ...system,
        ...answered.map(({ role, content }) => ({ role, content })),
        ...(isContinued ? [started] : []),
      ],
      ...(isContinued ? { continue: true } : {}),
    },
  };
}

/**
 * Requests the answer of a turn from the host. Never rejects: a failed answer keeps what was received of it.
 *
 * @param received Returns the part of the answer that was received; undefined if there is none.
 */
export async function finishTurn(
  { answer, request }: TemporaryTurn,
  store: Pick<Store, 'request'>,
  received: () => Pick<LiveAnswer, 'text' | 'reasoning'> | undefined,
): Promise<{ readonly answer: StoredMessage; readonly error: ErrorView | undefined }> {
  try {
    return { answer: temporaryAnswer(answer, await store.request('GENERATE', request)), error: undefined };
  } catch (error) {
    const { text, reasoning } = received() ?? { text: answer.content, reasoning: answer.reasoning_content };
    const failed = { ...answer, content: text, status: 'failed' as const };
    return { answer: reasoning ? { ...failed, reasoning_content: reasoning } : failed, error: viewError(error) };
  }
}

/** Returns an answer with the host's reply appended to it. */
export function temporaryAnswer(answer: StoredMessage, reply: PayloadOf<'GENERATE'>): StoredMessage {
  const { output, reasoning = '', finishReason, usage, trimmed } = reply;
  const thoughts = (answer.reasoning_content ?? '') + reasoning;
  return {
    ...answer,
    content: answer.content + output,
    status: finishReason === 'stop' || finishReason === 'tool_calls' ? 'done' : finishReason,
    usage: { ...usage, ...(trimmed === undefined ? {} : { trimmed }) },
    ...(thoughts === '' ? {} : { reasoning_content: thoughts }),
  };
}
