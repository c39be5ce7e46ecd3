import {
  type Constraint,
  type Conversation,
  type Message,
  type SamplingMode,
  TabAgentError,
  type Tool,
  type ToolCall,
  type Verb,
} from '../../web-ai/client.ts';

/** Most messages of a conversation: a context window of 8,192 tokens does not fit more useful ones. */
const MAX_MESSAGES = 1_000;

/** Most text of one request, UTF-16 code units: more than a context window, so texts that do not fit can be measured. */
const MAX_CHARACTERS = 1_000_000;

/** Most tools, and most text of their descriptions and schemas: they are a part of every prompt. */
const MAX_TOOLS = 64;
const MAX_TOOL_CHARACTERS = 64 * 1024;

/** Longest schema as text, and longest regular expression, UTF-16 code units: the host's limits. */
const MAX_SCHEMA_CHARACTERS = 64 * 1024;
const MAX_REGEX_CHARACTERS = 4_096;

/** Longest name or id, UTF-16 code units. */
const MAX_NAME = 256;

/** Largest number of tokens that a caller may claim for a message. */
const MAX_TOKENS = 1e9;

const TEXT_ROLES = ['system', 'user', 'assistant'] as const;

const VERBS: readonly Verb[] = ['availability', 'create', 'measure', 'append', 'prompt', 'detect'];

/** Sampling parameters of each sampling mode; `balanced` uses the user's settings. */
export const SAMPLING: Readonly<Record<SamplingMode, { readonly do_sample?: boolean; readonly temperature?: number }>> =
  {
    'most-predictable': { do_sample: false },
    predictable: { do_sample: true, temperature: 0.3 },
    'slightly-predictable': { do_sample: true, temperature: 0.5 },
    balanced: {},
    'slightly-creative': { do_sample: true, temperature: 0.9 },
    creative: { do_sample: true, temperature: 1.1 },
    'most-creative': { do_sample: true, temperature: 1.4 },
  };

/** A request of a caller, validated. */
export interface CallerRequest extends Required<Conversation> {
  readonly verb: Verb;
  readonly constraint: Constraint | undefined;
  readonly sampling: SamplingMode;
  readonly continues: boolean;
  /** The text for `detect`. */
  readonly text: string;
  /** Whether the user has just interacted with the page, according to the bridge. */
  readonly isActivated: boolean;
}

/** Returns the id and the verb of a message, or undefined for anything else. */
export function readHead(message: unknown): { readonly id: number; readonly verb: unknown } | undefined {
  if (typeof message !== 'object' || message === null || !('id' in message) || !('verb' in message)) return undefined;
  const { id, verb } = message;
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? { id, verb } : undefined;
}

/**
 * Validates a request. Only fields that are named here reach the host.
 *
 * @throws TabAgentError
 */
export function readRequest(message: unknown): CallerRequest {
  const fields = record(message, 'the request');
  const verb = VERBS.find((name) => name === fields.verb);
  if (verb === undefined) throw invalid('the verb', 'unknown');
  const messages = list(fields.messages ?? [], 'the messages', MAX_MESSAGES).map(readMessage);
  const tools = readTools(fields.tools ?? []);
  const text = fields.text === undefined ? '' : string(fields.text, 'the text');
  const characters = messages.reduce((sum, message) => sum + charactersOf(message), text.length);
  if (characters > MAX_CHARACTERS) throw new TabAgentError('QuotaExceededError', 'The input is too large.');
  const [first] = messages;
  return {
    verb,
    messages,
    tools,
    text,
    pinned: whole(fields.pinned ?? (first?.role === 'system' ? 1 : 0), 'pinned', messages.length),
    fresh: whole(fields.fresh ?? Math.min(1, messages.length), 'fresh', messages.length),
    constraint: fields.constraint === undefined ? undefined : readConstraint(fields.constraint),
    sampling: readSampling(fields.sampling),
    continues: fields.continues === true,
    isActivated: fields.isActivated === true,
  };
}

function readMessage(value: unknown): Message {
  const { role, content, tokens: counted, toolCalls, callId, name } = record(value, 'a message');
  const text = string(content, 'the content');
  const tokens = counted === undefined ? undefined : whole(counted, 'tokens', MAX_TOKENS);
  if (role === 'tool') {
    return {
      role,
      content: text,
      callId: string(callId, 'callId', MAX_NAME),
      name: string(name, 'name', MAX_NAME),
      tokens,
    };
  }
  const known = TEXT_ROLES.find((candidate) => candidate === role);
  if (known === undefined) throw invalid('the role', 'unknown');
  if (known !== 'assistant' || toolCalls === undefined) return { role: known, content: text, tokens };
  return { role: known, content: text, toolCalls: list(toolCalls, 'toolCalls', MAX_TOOLS).map(readCall), tokens };
}

function readCall(value: unknown): ToolCall {
  const call = record(value, 'a tool call');
  return {
    id: string(call.id, 'id', MAX_NAME),
    name: string(call.name, 'name', MAX_NAME),
    arguments: string(call.arguments, 'arguments'),
  };
}

function readTools(value: unknown): Tool[] {
  const tools = list(value, 'the tools', MAX_TOOLS).map((item): Tool => {
    const tool = record(item, 'a tool');
    return {
      name: string(tool.name, 'name', MAX_NAME),
      description: string(tool.description, 'description'),
      inputSchema: record(tool.inputSchema, 'inputSchema'),
    };
  });
  if (jsonLength(tools) > MAX_TOOL_CHARACTERS)
    throw new TabAgentError('QuotaExceededError', 'The tools are too large.');
  return tools;
}

function readConstraint(value: unknown): Constraint {
  const { schema, regex, flags } = record(value, 'the constraint');
  if (regex !== undefined) {
    const own = flags === undefined ? '' : string(flags, 'flags', 16);
    return { regex: string(regex, 'the regular expression', MAX_REGEX_CHARACTERS), flags: own };
  }
  const object = record(schema, 'the schema');
  if (jsonLength(object) > MAX_SCHEMA_CHARACTERS)
    throw new TabAgentError('NotSupportedError', 'The schema is too large.');
  return { schema: object };
}

function readSampling(value: unknown): SamplingMode {
  if (value === undefined) return 'balanced';
  if (typeof value !== 'string' || !Object.hasOwn(SAMPLING, value)) throw invalid('sampling', 'unknown');
  return value as SamplingMode;
}

/** Returns the text of a message that is counted. */
export function textOf(message: Message): string {
  return 'toolCalls' in message ? message.content + JSON.stringify(message.toolCalls) : message.content;
}

function charactersOf(message: Message): number {
  return textOf(message).length;
}

/** Returns the length of a value as JSON; undefined if it is nested too deeply. */
function jsonLength(value: unknown): number {
  try {
    return JSON.stringify(value).length;
  } catch {
    throw invalid('a schema', 'nested too deeply');
  }
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(what, 'not an object');
  return value as Record<string, unknown>;
}

function list(value: unknown, what: string, most: number): unknown[] {
  if (!Array.isArray(value)) throw invalid(what, 'not a list');
  if (value.length > most) throw new TabAgentError('QuotaExceededError', `At most ${most} of ${what} are allowed.`);
  return value;
}

function string(value: unknown, what: string, most = MAX_CHARACTERS): string {
  if (typeof value !== 'string') throw invalid(what, 'not a string');
  if (value.length > most) throw new TabAgentError('QuotaExceededError', `The text of ${what} is too long.`);
  // The host refuses unpaired surrogates.
  return value.toWellFormed();
}

function whole(value: unknown, what: string, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most)
    throw invalid(what, 'out of range');
  return value;
}

function invalid(what: string, why: string): TabAgentError {
  return new TabAgentError('DataError', `In the request, ${what} is ${why}.`);
}
