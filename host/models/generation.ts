import type { JsonObject } from '../common/json.ts';

/** One message of a conversation. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** How tokens are chosen. Every number has been chosen by now. */
export interface Sampling {
  /** 0 always takes the likeliest token. */
  readonly temperature: number;
  readonly topP: number;
  /** 0 is off. */
  readonly topK: number;
  readonly minP: number;
  /** 1 is off. */
  readonly repetitionPenalty: number;
  /** 32 bits. */
  readonly seed: number;
}

/** What the output is held to. */
export type Constraint = { readonly jsonSchema: JsonObject } | { readonly grammar: string };

/** One generation, as the supervisor is asked for it. */
export interface GenerateRequest {
  /** A conversation goes through the model's chat template; a prompt is taken as it is. */
  readonly input: { readonly messages: readonly ChatMessage[] } | { readonly prompt: string };
  readonly maxNewTokens: number;
  /** Texts that end the output and are no part of it. */
  readonly stop: readonly string[];
  readonly sampling: Sampling;
  readonly constraint?: Constraint | undefined;
}

/** What happens on the way: evaluation of a long prompt, then text. */
export type GenerationProgress =
  /** Tokens of the prompt that are done, and all of them. */
  | { readonly type: 'prompt'; readonly processed: number; readonly total: number }
  /** What came since the last time, whole characters; tokens so far and their speed. */
  | { readonly type: 'text'; readonly text: string; readonly numTokens: number; readonly tokensPerSecond: number };

/** Counts and times of one generation. */
export interface GenerationUsage {
  readonly promptTokens: number;
  /** Of these, in memory from the turn before. */
  readonly cachedPromptTokens: number;
  readonly completionTokens: number;
  /** Milliseconds, from the turn of this request on; null when no token came. */
  readonly timeToFirstTokenMs: number | null;
  /** Of the output, without the prompt's evaluation. */
  readonly tokensPerSecond: number;
}

/** What a generation came to. */
export interface GenerationResult {
  readonly text: string;
  /** `stop`: the model or a stop sequence ended it; `length`: a limit; `stopped`: somebody asked. */
  readonly finishReason: 'stop' | 'length' | 'stopped';
  readonly usage: GenerationUsage;
}

/** The result of a generation that was stopped before its turn came. */
export const NOTHING_GENERATED: GenerationResult = {
  text: '',
  finishReason: 'stopped',
  usage: {
    promptTokens: 0,
    cachedPromptTokens: 0,
    completionTokens: 0,
    timeToFirstTokenMs: null,
    tokensPerSecond: 0,
  },
};
