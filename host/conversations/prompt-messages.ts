import type { ChatMessage } from '../models/generation.ts';
import { isSystemRole } from '../models/turns.ts';
import type { Message } from './types.ts';

/** The other roles that every chat template supports. */
const CHAT_ROLES: ReadonlySet<string> = new Set(['user', 'assistant', 'tool']);

/**
 * Returns the messages of a branch from which a model can always generate the next answer. Failed and empty answers are
 * left out with their questions, as are tool calls without results, results without calls, answers before the first
 * question, and messages with unknown roles. The last turn, which is to be answered, keeps its question.
 */
export function promptMessages(branch: readonly Message[]): ChatMessage[] {
  const turns = turnsOf(branch.filter(({ role }) => isSystemRole(role) || CHAT_ROLES.has(role)));
  return turns.flatMap((turn, index) => {
    const isLast = index === turns.length - 1;
    const kept = withoutOpenCalls(turn.filter(isUsable), isLast);
    const system = turn.filter(({ role }) => isSystemRole(role));
    const isAnswered = kept.at(-1)?.role === 'assistant';
    const hasFailed = turn.some((message) => message.role === 'assistant' && !isUsable(message));
    // A question that was never answered, such as one of two in a row, is part of the next one.
    if (!isLast && hasFailed && !isAnswered) return system.map(chatMessage);
    if (index === 0 && turn[0]?.role !== 'user' && kept.every(({ role }) => role !== 'user')) {
      return system.map(chatMessage);
    }
    return kept.map(chatMessage);
  });
}

/** Splits a branch before each question. */
function turnsOf(messages: readonly Message[]): Message[][] {
  const turns: Message[][] = [[]];
  for (const message of messages) {
    if (message.role === 'user') turns.push([message]);
    else turns.at(-1)?.push(message);
  }
  return turns.filter((turn) => turn.length > 0);
}

function isUsable({ role, content, status, details }: Message): boolean {
  if (role !== 'assistant') return true;
  if (status === 'failed') return false;
  return content.trim() !== '' || details?.tool_calls !== undefined;
}

/** Leaves out calls without results and results without a call. The calls of the last turn may still get results. */
function withoutOpenCalls(turn: readonly Message[], isLast: boolean): Message[] {
  const results = new Set(turn.flatMap(({ role, details }) => (role === 'tool' ? [details?.tool_call_id] : [])));
  const called = new Set<unknown>();
  return turn.filter(({ role, details }, index) => {
    if (role === 'tool') return called.has(details?.tool_call_id);
    const ids = (details?.tool_calls ?? []).map(({ id }) => id);
    if (ids.length === 0) return true;
    const isComplete = ids.every((id) => typeof id === 'string' && results.has(id));
    if (!isComplete && !(isLast && index === turn.length - 1)) return false;
    for (const id of ids) called.add(id);
    return true;
  });
}

function chatMessage({ role, content, details }: Message): ChatMessage {
  const { usage: _, parts, ...fields } = details ?? {};
  return { role, content: parts === undefined ? content : [...parts], ...fields } as ChatMessage;
}
