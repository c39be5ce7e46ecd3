import type { Capability } from '../capabilities.ts';
import type { LoadedModel } from '../model-rows.ts';
import type { StoredMessage } from './conversations.svelte.ts';

/** How a conversation ends. */
export type ThreadEnd =
  /** An answer is being generated. */
  | 'running'
  /** The last message has no answer, because the generation failed before any text. */
  | 'unanswered'
  /** The last answer is incomplete: it failed, was stopped, or reached a length limit. */
  | 'failed'
  | 'stopped'
  | 'length'
  /** The last answer is complete, or there are no messages. */
  | 'done';

/** Returns how a conversation ends. */
export function endOf(messages: readonly StoredMessage[]): ThreadEnd {
  const last = messages.at(-1);
  if (last === undefined) return 'done';
  if (last.role === 'user') return 'unanswered';
  if (last.status === 'streaming') return 'running';
  return isEmptyFailure(last) ? 'unanswered' : last.status;
}

/** Returns whether a message is an answer that failed before any text. Such an answer is not shown. */
export function isEmptyFailure({ status, content, reasoning_content: reasoning = '' }: StoredMessage): boolean {
  return status === 'failed' && content === '' && reasoning === '';
}

/** The versions of a message. */
export interface Versions {
  /** The number of the shown version, from 1, and the number of all versions. */
  readonly number: number;
  readonly count: number;
  readonly previous: string | undefined;
  readonly next: string | undefined;
}

/** Returns the versions of a message; undefined if there are none. */
export function versionsOf({ id, siblings }: StoredMessage): Versions | undefined {
  if (siblings === undefined) return undefined;
  const index = siblings.indexOf(id);
  return {
    number: index + 1,
    count: siblings.length,
    previous: siblings[index - 1],
    next: siblings[index + 1],
  };
}

/** A request for an answer whose message the host may not have stored yet. */
export interface Sending {
  /** The text of the message; undefined for another version of an answer, or the continuation of one. */
  readonly question?: string | undefined;
  /** The id of the message that it follows; null for the start of the conversation, undefined for the last message. */
  readonly after?: string | null | undefined;
  /** The ids of the messages that were shown before. */
  readonly before: ReadonlySet<string>;
}

/** Returns the messages to show while a request is being sent: those before the one that it adds or replaces. */
export function shownBefore(
  messages: readonly StoredMessage[],
  sending: Sending | undefined,
): readonly StoredMessage[] {
  if (sending?.after === undefined) return messages;
  return messages.slice(0, messages.findIndex(({ id }) => id === sending.after) + 1);
}

/** Returns whether the host has stored the message of a request or, without one, has started to generate. */
export function isStored(messages: readonly StoredMessage[], { question, before }: Sending): boolean {
  if (question === undefined) return endOf(messages) === 'running';
  return messages.some(({ id, role, content }) => role === 'user' && content === question && !before.has(id));
}

/** Returns the messages just read, with the earlier objects of those that have not changed: these are not drawn again. */
export function reuse(before: readonly StoredMessage[], read: readonly StoredMessage[]): StoredMessage[] {
  const known = new Map(before.map((message) => [message.id, message]));
  return read.map((message) => {
    const old = known.get(message.id);
    return old !== undefined && stateOf(old) === stateOf(message) ? old : message;
  });
}

function stateOf({ updated_at, status, content, parent_id, siblings = [] }: StoredMessage): string {
  return `${updated_at} ${status} ${content.length} ${parent_id} ${siblings.join(' ')}`;
}

/** How much of its context a conversation fills. */
export interface Budget {
  readonly used: number;
  /** The context length of the model; undefined if it is not known. */
  readonly size: number | undefined;
}

/** Returns the tokens of a conversation, as counted for its last answer; undefined if none were counted. */
export function budgetOf(messages: readonly StoredMessage[], size: number | undefined): Budget | undefined {
  const usage = messages.findLast(({ usage }) => usage !== undefined)?.usage;
  const used = numberIn(usage, 'promptTokens') + numberIn(usage, 'completionTokens');
  return used === 0 ? undefined : { used, size: size || undefined };
}

/** Returns how many of the oldest messages were left out of the prompt of the last answer. */
export function trimmedOf(messages: readonly StoredMessage[]): number {
  const last = messages.at(-1);
  return last?.role === 'assistant' ? numberIn(last.usage?.trimmed, 'messages') : 0;
}

/** Returns how long a model reasoned, seconds, and the number of tokens of its reasoning; 0 if not known. */
export function reasoningLength({ usage }: StoredMessage): { readonly seconds: number; readonly tokens: number } {
  const tokens = numberIn(usage, 'reasoningTokens');
  const speed = numberIn(usage, 'tokensPerSecond');
  return { tokens, seconds: speed > 0 ? tokens / speed : 0 };
}

/** How much a model reasons before it answers. */
export type ReasoningLevel = 'auto' | 'off' | 'low' | 'medium' | 'high';

/** Returns the levels of reasoning that can be chosen for a model. A remote engine does not report them. */
export function reasoningLevels(
  model: { readonly loaded?: LoadedModel | undefined; readonly capabilities: readonly Capability[] } | undefined,
): Exclude<ReasoningLevel, 'auto'>[] {
  const isRemote = model?.loaded?.config.model_type === 'remote';
  if (isRemote && model?.capabilities.includes('reasoning')) return ['off', 'low', 'medium', 'high'];
  return model?.loaded?.reasoning ?? [];
}

/** A call of a tool, with its arguments as indented JSON. */
export interface ToolCall {
  readonly name: string;
  readonly arguments: string;
}

/** Returns the tool calls of an answer. Any client may have stored them, so their form is not certain. */
export function toolCallsOf({ tool_calls: calls = [] }: StoredMessage): ToolCall[] {
  return calls.map((call) => {
    const { name, arguments: values } = (call.function ?? call) as Readonly<Record<string, unknown>>;
    return { name: typeof name === 'string' ? name : '?', arguments: indented(values) };
  });
}

function indented(values: unknown): string {
  try {
    return JSON.stringify(typeof values === 'string' ? JSON.parse(values) : values, null, 2) ?? '';
  } catch {
    return String(values);
  }
}

function numberIn(counts: unknown, field: string): number {
  const value = (counts as Readonly<Record<string, unknown>> | null | undefined)?.[field];
  return typeof value === 'number' ? value : 0;
}
