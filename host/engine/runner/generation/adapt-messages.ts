import type { ChatMessage, ContentPart } from '../../../models/generation.ts';
import { isSystemRole } from '../../../models/turns.ts';
import { contentText } from '../../../protocol/content-text.ts';

/**
 * Roles whose consecutive messages can be joined into one. The results of tools are not joined: each has the id of its
 * call.
 */
const JOINED_ROLES: ReadonlySet<string> = new Set(['user', 'assistant', 'system', 'developer']);

/** Returns the messages with empty text for content that is null or missing; undefined if there is none. */
export function fillContent(messages: readonly ChatMessage[]): ChatMessage[] | undefined {
  return changed(messages, (message) => (message.content == null ? { ...message, content: '' } : message));
}

/** Returns the messages with their text parts joined into one text; undefined if no content is a list of parts. */
export function joinParts(messages: readonly ChatMessage[]): ChatMessage[] | undefined {
  return changed(messages, (message) =>
    Array.isArray(message.content) ? { ...message, content: contentText(message) } : message,
  );
}

/**
 * Returns the conversation without system messages: their text is put before that of the first user message. For
 * templates that do not support the role, such as Gemma's. Undefined if there is nothing to change.
 */
export function foldSystemMessages(messages: readonly ChatMessage[]): ChatMessage[] | undefined {
  const isSystem = ({ role }: ChatMessage) => isSystemRole(role);
  const system = messages.filter(isSystem);
  if (system.length === 0) return undefined;
  const others = messages.filter((message) => !isSystem(message));
  const instructions: ChatMessage = { role: 'user', content: system.map(contentText).join('\n\n') };
  const first = others.findIndex(({ role }) => role === 'user');
  if (first === -1) return [instructions, ...others];
  return others.map((message, index) => (index === first ? join(instructions, message) : message));
}

/** Returns the conversation with consecutive messages of one role joined; undefined if there are none. */
export function joinTurns(messages: readonly ChatMessage[]): ChatMessage[] | undefined {
  const joined: ChatMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (last === undefined || !isOneTurn(last, message)) joined.push(message);
    else joined[joined.length - 1] = join(last, message);
  }
  return joined.length === messages.length ? undefined : joined;
}

function isOneTurn(first: ChatMessage, second: ChatMessage): boolean {
  // A message that calls tools is followed by their results.
  return first.role === second.role && JOINED_ROLES.has(first.role) && first.tool_calls === undefined;
}

/** Names by which templates read the reasoning of an earlier answer, beside `reasoning_content`. */
const REASONING_NAMES = ['reasoning', 'thinking', 'thought'] as const;

/** Matches templates that read reasoning as parts of the content. */
const READS_THINKING_PARTS = /type['"\]]*\s*==\s*['"]thinking['"]/;

/**
 * Returns the messages with their `reasoning_content` also in the form that the template reads; undefined if there is
 * nothing to change, or the template reads none.
 */
export function withReasoning(messages: readonly ChatMessage[], template: string): ChatMessage[] | undefined {
  if (/['".]reasoning_content\b/.test(template)) return undefined;
  const name = REASONING_NAMES.find((candidate) =>
    new RegExp(`(?:message|msg|m)(?:\\.${candidate}\\b|\\[['"]${candidate}['"]\\])`).test(template),
  );
  const inParts = name === undefined && READS_THINKING_PARTS.test(template);
  return changed(messages, (message) => {
    const { reasoning_content: reasoning, content } = message;
    if (typeof reasoning !== 'string' || reasoning === '') return message;
    if (name !== undefined) return { ...message, [name]: message[name] ?? reasoning };
    if (!inParts || Array.isArray(content)) return message;
    const text: ContentPart[] = content == null || content === '' ? [] : [{ type: 'text', text: content }];
    return { ...message, content: [{ type: 'thinking', thinking: reasoning }, ...text] };
  });
}

/** Returns one message with the contents of two and the other fields of the second. */
function join(first: ChatMessage, second: ChatMessage): ChatMessage {
  const fields = { ...first, ...second, role: second.role };
  if (!Array.isArray(first.content) && !Array.isArray(second.content)) {
    const texts = [contentText(first), contentText(second)].filter((text) => text !== '');
    return { ...fields, content: texts.join('\n\n') };
  }
  return { ...fields, content: [...parts(first), { type: 'text', text: '\n\n' }, ...parts(second)] };
}

function parts(message: ChatMessage): ContentPart[] {
  return Array.isArray(message.content) ? message.content : [{ type: 'text', text: contentText(message) }];
}

function changed(
  messages: readonly ChatMessage[],
  change: (message: ChatMessage) => ChatMessage,
): ChatMessage[] | undefined {
  const result = messages.map(change);
  return result.every((message, index) => message === messages[index]) ? undefined : result;
}
