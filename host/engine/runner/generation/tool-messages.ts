import { isJsonObject, type JsonObject, type JsonValue } from '../../../common/json.ts';
import { parseJsonObject } from '../../../common/json-limits.ts';
import type { ChatMessage } from '../../../models/generation.ts';
import { contentText } from '../../../protocol/content-text.ts';
import type { CallFormat } from '../../../tools/call-format.ts';
import { GENERIC_FORMAT } from '../../../tools/formats.ts';
import { writeCalls } from '../../../tools/write-calls.ts';

/** How a template shows calls of tools. */
export interface TemplateCalls {
  /** Their format; undefined where it is not known. */
  readonly format: CallFormat | undefined;
  /** Whether it writes the calls of earlier answers. */
  readonly showsCalls: boolean;
  /** Whether it renders a conversation with tools and calls, but leaves out the calls. */
  readonly omitsCalls: boolean;
}

/** How a template gets the tools of a request. */
interface ToolSettings {
  readonly format: CallFormat | undefined;
  /** The template's variable `tools`. */
  readonly passed: readonly JsonValue[] | undefined;
  readonly variables: JsonObject;
  messages(messages: readonly ChatMessage[]): readonly ChatMessage[];
}

/**
 * Decides how a template gets tools: in the variable that it reads, or, if it reads none, in a system message that
 * describes them and the format of calls.
 */
export function toolSettings(
  tools: readonly JsonValue[] | undefined,
  reads: ReadonlySet<string>,
  { format, showsCalls, omitsCalls }: TemplateCalls,
): ToolSettings {
  const unchanged = (messages: readonly ChatMessage[]) => messages;
  if (tools === undefined || tools.length === 0) {
    // Such a format begins every answer, even without tools.
    const always = format?.isOpened === true ? format : undefined;
    return { format: always, passed: tools, variables: {}, messages: unchanged };
  }
  const known = format ?? GENERIC_FORMAT;
  if (reads.has('tools')) {
    const messages = omitsCalls ? (given: readonly ChatMessage[]) => withWrittenCalls(given, known) : unchanged;
    return { format: known, passed: tools, variables: {}, messages };
  }
  // Firefunction's name, whose value is text.
  if (format !== undefined && reads.has('functions')) {
    const variables = { functions: JSON.stringify(tools, undefined, 4), datetime: new Date().toUTCString() };
    return { format, passed: undefined, variables, messages: unchanged };
  }
  // SmolLM3's name.
  if (reads.has('xml_tools')) {
    return { format: known, passed: undefined, variables: { xml_tools: [...tools] }, messages: unchanged };
  }
  const example = format === undefined ? undefined : exampleCall(format);
  const used = format !== undefined && example !== undefined ? format : GENERIC_FORMAT;
  const described = describeTools(tools, example ?? exampleCall(GENERIC_FORMAT) ?? '');
  const describe = (messages: readonly ChatMessage[]) => {
    const written = used === format && showsCalls ? messages : (plainToolMessages(messages) ?? messages);
    return withInstructions(written, described);
  };
  return { format: used, passed: undefined, variables: {}, messages: describe };
}

/**
 * Returns the same tools with everything that functions may lack: some templates read a description, or parameters,
 * without checking for them. Undefined if nothing is missing.
 */
export function completeTools(tools: readonly JsonValue[] | undefined): JsonValue[] | undefined {
  const completed = tools?.map((tool) => {
    if (!isJsonObject(tool) || !isJsonObject(tool.function)) return tool;
    const { description, parameters } = tool.function;
    if (description !== undefined && isJsonObject(parameters) && parameters.properties !== undefined) return tool;
    const given = isJsonObject(parameters) ? parameters : {};
    const full = { ...given, type: 'object', properties: given.properties ?? {} };
    return { ...tool, function: { ...tool.function, description: description ?? '', parameters: full } };
  });
  return completed?.some((tool, index) => tool !== tools?.[index]) ? completed : undefined;
}

/** How a call looks in a format, with words for its parts; undefined for formats with tags for each argument. */
function exampleCall({ triggers: [trigger = ''], shape }: CallFormat): string | undefined {
  if (shape.kind === 'json') {
    const object = `{"${shape.name}": "<name>", "${shape.arguments}": {"<argument>": <value>}}`;
    return `${trigger}\n${shape.isList ? `[${object}]` : object}\n${shape.close}`.trim();
  }
  if (shape.kind !== 'named' || shape.id !== undefined) return undefined;
  const call = `${shape.open}<name>${shape.middles[0] ?? ''}{"<argument>": <value>}${shape.close}`;
  return `${trigger}${shape.section?.open ?? ''}${call}${shape.section?.close ?? ''}`;
}

function describeTools(tools: readonly JsonValue[], example: string): string {
  const lines = tools.map((tool) =>
    JSON.stringify(isJsonObject(tool) && isJsonObject(tool.function) ? tool.function : tool),
  );
  return `You can call these functions. Their arguments are described by JSON schemas:\n\n${lines.join('\n')}\n\nTo call a function, write nothing but this, once for each call:\n\n${example}\n\nYou then get the result. Call a function only where it is needed to answer.`;
}

/** Returns the messages with the instructions added to the system message. */
function withInstructions(messages: readonly ChatMessage[], instructions: string): ChatMessage[] {
  const [first, ...rest] = messages;
  if (first?.role !== 'system') return [{ role: 'system', content: instructions }, ...messages];
  return [{ ...first, content: `${contentText(first)}\n\n${instructions}`.trim() }, ...rest];
}

/**
 * The same conversation with calls as text, in the generic format, and results as messages of the user: for templates
 * that know neither. Undefined where there are none.
 */
export function plainToolMessages(messages: readonly ChatMessage[]): ChatMessage[] | undefined {
  if (!messages.some(({ role, tool_calls: calls }) => role === 'tool' || calls !== undefined)) return undefined;
  const plain: ChatMessage[] = [];
  for (const message of messages) {
    const { tool_calls: calls, ...rest } = message;
    if (message.role === 'tool') {
      const result = `<tool_response>\n${contentText(message)}\n</tool_response>`;
      const last = plain.at(-1);
      const isFurther = last?.role === 'user' && contentText(last).endsWith('</tool_response>');
      if (isFurther) plain[plain.length - 1] = { ...last, content: `${contentText(last)}\n${result}` };
      else plain.push({ role: 'user', content: result });
      continue;
    }
    const written = Array.isArray(calls) ? calls.map(plainCall) : [];
    plain.push(
      calls === undefined ? message : { ...rest, content: [contentText(message), ...written].join('\n').trim() },
    );
  }
  return plain;
}

/** Returns the messages with calls as text in the model's format, for templates that leave them out, as LFM2.5's does. */
function withWrittenCalls(messages: readonly ChatMessage[], format: CallFormat): ChatMessage[] {
  return messages.map((message) => {
    const { tool_calls: calls, ...rest } = message;
    const written = Array.isArray(calls) ? writeCalls(format, calls.flatMap(calledFunction)) : undefined;
    return written === undefined ? message : { ...rest, content: `${contentText(message)}${written}` };
  });
}

function calledFunction(call: JsonValue): { name: string; arguments: JsonObject }[] {
  const called = isJsonObject(call) && isJsonObject(call.function) ? call.function : {};
  const given = typeof called.arguments === 'string' ? parseJsonObject(called.arguments) : called.arguments;
  return typeof called.name === 'string' ? [{ name: called.name, arguments: isJsonObject(given) ? given : {} }] : [];
}

function plainCall(call: JsonValue): string {
  const called = isJsonObject(call) && isJsonObject(call.function) ? call.function : call;
  const { name = '', arguments: given = {} } = isJsonObject(called) ? called : {};
  const written = typeof given === 'string' ? given : JSON.stringify(given);
  return `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${written}}\n</tool_call>`;
}

/**
 * The same conversation with arguments of calls as objects rather than as JSON text: for templates that reject text.
 * Undefined where there is nothing to change.
 */
export function withParsedArguments(messages: readonly ChatMessage[]): ChatMessage[] | undefined {
  let isChanged = false;
  const parse = (call: JsonValue): JsonValue => {
    if (!isJsonObject(call) || !isJsonObject(call.function) || typeof call.function.arguments !== 'string') return call;
    const parsed = parseJsonObject(call.function.arguments);
    if (parsed === undefined) return call;
    isChanged = true;
    return { ...call, function: { ...call.function, arguments: parsed } };
  };
  const changed = messages.map((message) => {
    const { tool_calls: calls } = message;
    return Array.isArray(calls) ? { ...message, tool_calls: calls.map(parse) } : message;
  });
  return isChanged ? changed : undefined;
}
