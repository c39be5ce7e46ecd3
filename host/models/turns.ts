import { contentText } from '../protocol/content-text.ts';
import type { ChatMessage } from './generation.ts';

/** Messages without the oldest turns, and the messages that were left out. */
export interface TrimmedMessages {
  readonly messages: readonly ChatMessage[];
  readonly dropped: readonly ChatMessage[];
}

/** Returns whether messages of a role instruct the model, wherever they are in a conversation. */
export function isSystemRole(role: string): boolean {
  return role === 'system' || role === 'developer';
}

/** Returns the number of turns: each is a question and the messages up to the next one. */
export function turnCount(messages: readonly ChatMessage[]): number {
  return messages.filter(({ role }) => role === 'user').length;
}

/** Leaves out the oldest turns, and messages before the first one, but never a system message. */
export function withoutOldestTurns(messages: readonly ChatMessage[], count: number): TrimmedMessages {
  let turn = 0;
  const kept: ChatMessage[] = [];
  const dropped: ChatMessage[] = [];
  for (const message of messages) {
    if (message.role === 'user') turn += 1;
    const isKept = turn > count || isSystemRole(message.role);
    (isKept ? kept : dropped).push(message);
  }
  return { messages: kept, dropped };
}

/** Returns the length of the text of all messages, characters. */
export function charactersOf(messages: readonly ChatMessage[]): number {
  return messages.reduce((total, message) => total + contentText(message).length, 0);
}
