import type { Constraint, Message } from '../client.ts';
import { isIterable, required, toDictionary, toEnum, toSequence } from './idl.ts';
import {
  argumentsText,
  LanguageModelToolCall,
  LanguageModelToolError,
  LanguageModelToolSuccess,
  resultText,
} from './tool-content.ts';

/** Types of content that the specification knows. */
export const CONTENT_TYPES = ['text', 'image', 'audio', 'tool-call', 'tool-response'] as const;

export type ContentType = (typeof CONTENT_TYPES)[number];

const ROLES = ['system', 'user', 'assistant'] as const;

/** A prompt, converted. */
export interface PromptInput {
  /** None if the page passes an empty list. */
  readonly messages: Message[];
  /** Whether the answer continues the last message. */
  readonly continues: boolean;
}

/** The session for which a prompt is converted. */
export interface PromptContext {
  /** Types of content that the session accepts besides text. */
  readonly inputs: readonly ContentType[];
  /** Whether the session already has messages. */
  readonly hasInput: boolean;
}

/** Validates and converts a prompt. @throws TypeError, DOMException as the specification says. */
export function toPrompt(input: unknown, context: PromptContext): PromptInput {
  if (!isIterable(input)) return { messages: [{ role: 'user', content: `${input}` }], continues: false };
  const items = [...input].map(toMessage);
  let { hasInput } = context;
  const messages = items.flatMap((item, index) => {
    if (item.prefix && (item.role !== 'assistant' || index < items.length - 1)) {
      throw new DOMException('Only the last message can be a prefix, and its role must be "assistant".', 'SyntaxError');
    }
    if (item.role === 'system' && hasInput) throw new TypeError('Only the first message can be a system message.');
    hasInput = true;
    return messagesOf(item, context.inputs);
  });
  return { messages, continues: items.at(-1)?.prefix ?? false };
}

interface PageMessage {
  readonly role: (typeof ROLES)[number];
  readonly content: readonly { readonly type: ContentType; readonly value: unknown }[];
  readonly prefix: boolean;
}

function toMessage(item: unknown): PageMessage {
  if (typeof item !== 'object' || item === null) throw new TypeError('A message is not an object.');
  const message = toDictionary(item, 'A message');
  const content = required(message, 'content');
  const parts = isIterable(content)
    ? (toSequence(content, 'content') ?? []).map((part) => {
        const members = toDictionary(part, 'A part of the content');
        return { type: toEnum(required(members, 'type'), CONTENT_TYPES, 'type'), value: required(members, 'value') };
      })
    : [{ type: 'text' as const, value: `${content}` }];
  return { role: toEnum(required(message, 'role'), ROLES, 'role'), content: parts, prefix: Boolean(message.prefix) };
}

/** Converts one message of the page. Tool results become separate messages. */
function messagesOf({ role, content }: PageMessage, inputs: readonly ContentType[]): Message[] {
  const texts: string[] = [];
  const calls: { id: string; name: string; arguments: string }[] = [];
  const results: Message[] = [];
  for (const { type, value } of content) {
    if (type === 'tool-call' && role !== 'assistant')
      throw new TypeError('Only a message of the assistant can contain tool calls.');
    if (type === 'tool-response' && role !== 'user')
      throw new TypeError('Only a message of the user can contain tool responses.');
    if (type !== 'text' && !inputs.includes(type)) {
      throw new DOMException(
        `Input of the type "${type}" was not requested with "expectedInputs".`,
        'NotSupportedError',
      );
    }
    if (type === 'text') {
      if (typeof value !== 'string') throw new TypeError('The value of a text is not a string.');
      texts.push(value);
    } else if (type === 'tool-call') {
      if (!(value instanceof LanguageModelToolCall)) throw new TypeError('The value is not a LanguageModelToolCall.');
      calls.push({ id: value.callID, name: value.name, arguments: argumentsText(value) });
    } else if (type === 'tool-response') {
      if (!(value instanceof LanguageModelToolSuccess || value instanceof LanguageModelToolError)) {
        throw new TypeError('The value is neither a LanguageModelToolSuccess nor a LanguageModelToolError.');
      }
      results.push({ role: 'tool', callId: value.callID, name: value.name, content: resultText(value) });
    }
  }
  const text = texts.join('');
  if (calls.length > 0) return [{ role: 'assistant', content: text, toolCalls: calls }];
  return texts.length > 0 || results.length === 0 ? [...results, { role, content: text }] : results;
}

/** A constraint on the answer. */
export interface PageConstraint {
  readonly constraint: Constraint;
  /** The text that describes it to the model; empty if the page adds its own. */
  readonly hint: string;
  /** Returns whether an answer conforms to it. */
  readonly accepts: (answer: string) => boolean;
}

/** Converts `responseConstraint`. @throws TypeError, DOMException `NotSupportedError` */
export function toConstraint(options: Record<string, unknown>): PageConstraint | undefined {
  const { responseConstraint: value, omitResponseConstraintInput: omits } = options;
  if (value === undefined) {
    if (omits) throw new TypeError('"omitResponseConstraintInput" needs a "responseConstraint".');
    return undefined;
  }
  if (typeof value !== 'object' || value === null) throw new TypeError('"responseConstraint" is not an object.');
  const described = (hint: string) => (omits ? '' : `\n\n${hint}`);
  if (Object.prototype.toString.call(value) === '[object RegExp]') {
    const { source, flags } = value as RegExp;
    return {
      constraint: { regex: source, flags },
      hint: described(`Answer only with text that this regular expression matches: ${source}`),
      accepts: (answer) => new RegExp(source, flags.replace(/[gy]/g, '')).test(answer),
    };
  }
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = undefined;
  }
  if (text === undefined) throw new DOMException('The schema cannot be written as JSON.', 'NotSupportedError');
  return {
    constraint: { schema: JSON.parse(text) },
    hint: described(`Answer only with JSON that conforms to this JSON schema: ${text}`),
    accepts: isJson,
  };
}

function isJson(answer: string): boolean {
  try {
    JSON.parse(answer);
    return true;
  } catch {
    return false;
  }
}

/** Appends the description of a constraint to the last message of the user. */
export function withHint(messages: readonly Message[], hint: string): Message[] {
  const at = messages.findLastIndex(({ role }) => role === 'user');
  const message = messages[at];
  if (hint === '' || message === undefined) return [...messages];
  return messages.with(at, { ...message, content: message.content + hint } as Message);
}
