import type { PayloadOf } from '../protocol/messages.ts';

/** The reply to `GENERATE`. */
export type Generated = PayloadOf<'GENERATE'>;

/** Why an answer ended, in OpenAI's terms. */
export function finishReasonOf({ finishReason }: Generated): 'stop' | 'length' | 'tool_calls' {
  return finishReason === 'stopped' ? 'stop' : finishReason;
}

/** The tokens of an answer, in OpenAI's terms. */
export function usageOf({ usage }: Generated) {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedPromptTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  };
}

/** The fields of a request without effect: those that the server does not know, and those that the host names. */
export function ignoredFields(ignored: readonly string[], reply: { readonly [topLevel: string]: unknown }) {
  const ofHost = Array.isArray(reply.ignored)
    ? reply.ignored.map((name) => String(name).replace(/^settings\./, ''))
    : [];
  const all = [...ignored, ...ofHost];
  return all.length === 0 ? {} : { ignored: all };
}
