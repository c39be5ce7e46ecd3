import { HostError } from '../common/errors.ts';
import type { JsonObject, JsonValue } from '../common/json.ts';
import type { ReasoningLevel } from '../reasoning/levels.ts';
import type { Segment } from '../reasoning/segment.ts';
import type { ToolCall } from '../tools/tool-function.ts';

/** Part of a message's content. Parts of other types than text are for the model's chat template to interpret. */
export interface ContentPart extends JsonObject {
  type: string;
  text?: string;
}

/** One message of a conversation. What else it holds, such as tool calls, is passed to the chat template. */
export interface ChatMessage extends JsonObject {
  role: string;
  content?: string | null | ContentPart[];
}

/** How a conversation becomes a prompt. */
export interface ChatOptions {
  /** Tools that the template describes to the model. */
  readonly tools?: readonly JsonValue[] | undefined;
  /** A chat template instead of the model's own. */
  readonly template?: string | undefined;
  /** Variables of the template, before those that the host sets. */
  readonly variables?: JsonObject | undefined;
  /** Unix time that the template gets for the current one, milliseconds. */
  readonly now?: number | undefined;
  /** How much the model is to reason; `auto` when absent. */
  readonly reasoning?: ReasoningLevel | undefined;
  /** Whether the last message, the model's own, is continued rather than answered. */
  readonly continues?: boolean | undefined;
  /** If the conversation does not fit, leaves out its oldest turns, so that an answer of this many tokens fits, too. */
  readonly trimFor?: number | undefined;
  /** Maximum number of reasoning tokens, after which the answer starts. */
  readonly maxReasoningTokens?: number | undefined;
  /** Whether the model must call a tool, and which one; `auto` when absent. */
  readonly toolChoice?: ToolChoice | undefined;
  /** Whether the model may call several tools at once; true when absent. */
  readonly parallelToolCalls?: boolean | undefined;
}

/** Which tools a model must call: `auto` leaves it to the model, `required` means any, a name means that function. */
export type ToolChoice = 'auto' | 'required' | { readonly name: string };

/** What a model continues: a conversation, rendered with the chat template, or a plain text. */
export type PromptInput =
  | { readonly messages: readonly ChatMessage[]; readonly chat?: ChatOptions | undefined }
  | { readonly prompt: string };

/** A prompt as the model gets it. */
export interface RenderedPrompt {
  /** The whole text, special tokens in it as text. */
  readonly prompt: string;
  readonly tokens: number;
  /** Texts that end the answer besides the model's own end token. */
  readonly stop: readonly string[];
}

/** What a loaded model's conversations are written with. */
export interface ChatFormat {
  /** The model's own template, ChatML, or a transcript (`user: …`) for a model that knows neither. */
  readonly used: 'template' | 'chatml' | 'transcript';
  /** Why the model's own template cannot be used; null if it can, or if there is none. */
  readonly error: string | null;
  /** The levels of reasoning besides `auto` that have different effects; none for a model that does not reason. */
  readonly reasoning: readonly ReasoningLevel[];
}

/** How tokens are sampled. */
export interface Sampling {
  /** 0 always takes the most likely token. */
  readonly temperature: number;
  readonly topP: number;
  /** 0 is off. */
  readonly topK: number;
  readonly minP: number;
  /** 1 is off. */
  readonly repetitionPenalty: number;
  /** Subtracted once from the logit of every recent token; 0 is off, as when absent. */
  readonly presencePenalty?: number | undefined;
  /** Subtracted from the logit of a recent token for each time it occurred; 0 is off, as when absent. */
  readonly frequencyPenalty?: number | undefined;
  /** Removes all but the least likely of the tokens above a probability (XTC), at a share of the steps. */
  readonly xtc?: { readonly probability: number; readonly threshold: number } | undefined;
  /** Makes tokens less likely that would repeat a longer sequence of generated tokens (DRY); absent if it is off. */
  readonly dry?: DrySampling | undefined;
  /** Added to the logits of tokens, by their numbers. */
  readonly logitBias?: Readonly<Record<string, number>> | undefined;
  /** 32 bits. */
  readonly seed: number;
}

/** Settings of the sampler DRY, by the names of llama.cpp. */
export interface DrySampling {
  readonly multiplier: number;
  readonly base: number;
  /** Longest sequence that may be repeated, tokens. */
  readonly allowedLength: number;
  /** Generated tokens that are searched; undefined for all. */
  readonly lastTokens: number | undefined;
  /** Texts that a repeated sequence never contains. */
  readonly sequenceBreakers: readonly string[];
}

/** What the output must conform to, together with `prefix`, which is in the prompt already. */
export type Constraint = ConstraintLanguage & { readonly prefix?: string | undefined };

type ConstraintLanguage =
  | {
      readonly jsonSchema: JsonObject;
      /** The field of the request, for errors; `settings.json_schema` when absent. */
      readonly field?: string;
      /** Whether a keyword that cannot be enforced is an error; true when absent. */
      readonly strict?: boolean;
    }
  | { readonly grammar: string }
  /** A regular expression of ECMAScript that matches from beginning to end. */
  | { readonly regex: string; readonly flags?: string | undefined }
  /** Any JSON object. */
  | { readonly json: true };

/** One generation; every value has been chosen. */
export interface GenerateRequest {
  /** The conversation that it belongs to, with which what was evaluated for it is forgotten. */
  readonly conversation?: string | undefined;
  /** Whether nothing of it may be written to the disk. */
  readonly isTemporary?: boolean | undefined;
  readonly input: PromptInput;
  readonly maxNewTokens: number;
  /** Texts that end the output and are no part of it. */
  readonly stop: readonly string[];
  readonly sampling: Sampling;
  /** Most tokens that are predicted at a time because they follow in the prompt; 0, as when absent, predicts none. */
  readonly lookupTokens?: number | undefined;
  readonly constraint?: Constraint | undefined;
  /** Whether a setting without effect is an error. */
  readonly strict?: boolean | undefined;
}

/** Progress of a generation: evaluation of a long prompt, then text. */
export type GenerationProgress =
  /** Evaluated tokens of the prompt, and all of them. */
  | { readonly type: 'prompt'; readonly processed: number; readonly total: number }
  /** Text since the last report, in whole characters; tokens so far and their speed. */
  | {
      readonly type: 'text';
      readonly kind: Segment['kind'];
      readonly text: string;
      readonly numTokens: number;
      readonly tokensPerSecond: number;
    }
  /** A call of a tool that is complete. */
  | { readonly type: 'toolCall'; readonly index: number; readonly call: ToolCall };

/** Counts and times of one generation. */
export interface GenerationUsage {
  readonly promptTokens: number;
  /** Those of them that an earlier request had evaluated. */
  readonly cachedPromptTokens: number;
  readonly completionTokens: number;
  /** Of these, tokens of reasoning. */
  readonly reasoningTokens: number;
  /** Of the completion's tokens, those that were predicted from the prompt; absent if there are none. */
  readonly predictedTokens?: number;
  /** Milliseconds since the request started; null without a token. */
  readonly timeToFirstTokenMs: number | null;
  /** Of the output, without the prompt's evaluation. */
  readonly tokensPerSecond: number;
}

/** The result of a generation. */
export interface GenerationResult {
  /** The answer. */
  readonly text: string;
  /** The reasoning before it; empty where there was none. */
  readonly reasoning: string;
  /** The tool calls of the model, in order. */
  readonly toolCalls: readonly ToolCall[];
  /** Names of settings of the request that had no effect. */
  readonly ignored: readonly string[];
  /** `stop`: the model or a stop sequence ended it; `length`: a limit; `stopped`: a request; `tool_calls`: it calls tools. */
  readonly finishReason: 'stop' | 'length' | 'stopped' | 'tool_calls';
  readonly usage: GenerationUsage;
  /** The messages that were left out because they did not fit; absent if there are none. */
  readonly trimmed?: Trimmed;
}

/** The number of messages that were left out, and about how many tokens they have. */
export interface Trimmed {
  readonly messages: number;
  readonly tokens: number;
}

/** The result of a generation that was stopped before it started. */
export const NOTHING_GENERATED: GenerationResult = {
  text: '',
  reasoning: '',
  toolCalls: [],
  ignored: [],
  finishReason: 'stopped',
  usage: {
    promptTokens: 0,
    cachedPromptTokens: 0,
    completionTokens: 0,
    reasoningTokens: 0,
    timeToFirstTokenMs: null,
    tokensPerSecond: 0,
  },
};

/**
 * Longest output of one generation, bytes of JSON. A reply contains it three times and must fit a frame of 1 MiB; a
 * client continues with another request.
 */
export const MAX_OUTPUT_BYTES = 320 * 1024;

/**
 * Throws for fields without effect in a request that is strict about them.
 *
 * @throws HostError `INVALID_REQUEST` naming the first one.
 */
export function assertUsed(ignored: readonly string[], strict: boolean | undefined): void {
  const [first] = ignored;
  if (strict !== true || first === undefined) return;
  throw new HostError('INVALID_REQUEST', `\`${first}\` has no effect here, and the request is strict. Omit it.`, {
    details: { field: first, ignored: [...ignored] },
  });
}
