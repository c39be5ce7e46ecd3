import { contentText } from '../../host/protocol/content-text.ts';
import type { HostEvent, RequestOf } from '../../host/protocol/messages.ts';
import type { RunningAnswer } from './page-messages.ts';

type GenerationUpdate = Extract<HostEvent, { type: 'generationUpdate' }>['payload'];

/**
 * The answers that the host is generating in conversations, so that every page can show them, also one that opens in the
 * middle. An answer belongs to no page: it continues when the page that asked is closed.
 */
export class RunningAnswers {
  /** By the id of the request to the host. */
  readonly #answers = new Map<string, RunningAnswer>();

  /** Adds the answer to a request; returns undefined for a request that is not part of a conversation. */
  start(requestId: string, fields: Partial<RequestOf<'GENERATE'>>): RunningAnswer | undefined {
    const { chat_id: conversationId, messages, prompt = '' } = fields;
    if (conversationId === undefined) return undefined;
    const last = messages?.at(-1);
    const question = last === undefined ? prompt : contentText(last);
    const answer = { conversationId, question, text: '', tokens: 0, tokensPerSecond: 0 };
    this.#answers.set(requestId, answer);
    return answer;
  }

  /** Appends text; returns undefined if the request has no running answer. */
  append(requestId: string, update: GenerationUpdate): RunningAnswer | undefined {
    const before = this.#answers.get(requestId);
    if (before === undefined) return undefined;
    const { token, numTokens: tokens, tps: tokensPerSecond } = update;
    const answer = { ...before, text: before.text + token, tokens, tokensPerSecond };
    this.#answers.set(requestId, answer);
    return answer;
  }

  end(requestId: string): void {
    this.#answers.delete(requestId);
  }

  /** The ids of the requests whose answers belong to a conversation. */
  requestsOf(conversationId: string): string[] {
    return [...this.#answers].filter(([, answer]) => answer.conversationId === conversationId).map(([id]) => id);
  }

  list(): RunningAnswer[] {
    return [...this.#answers.values()];
  }
}
