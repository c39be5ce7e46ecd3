import type { Tool } from '../client.ts';
import { required, toDictionary, toSequence } from './idl.ts';

/** A call of a tool, which the page answers with {@link LanguageModelToolSuccess} or {@link LanguageModelToolError}. */
export class LanguageModelToolCall {
  readonly callID: string;
  readonly name: string;
  readonly arguments: unknown;

  constructor(init: unknown) {
    const members = toDictionary(init, 'The argument');
    this.callID = `${required(members, 'callID')}`;
    this.name = `${required(members, 'name')}`;
    this.arguments = members.arguments ?? {};
  }
}

/** The result of a tool. */
export class LanguageModelToolSuccess {
  readonly callID: string;
  readonly name: string;
  readonly result: readonly { readonly type: string; readonly value: unknown }[];

  constructor(init: unknown) {
    const members = toDictionary(init, 'The argument');
    this.callID = `${required(members, 'callID')}`;
    this.name = `${required(members, 'name')}`;
    this.result = (toSequence(required(members, 'result'), 'result') ?? []).map((item) => {
      const part = toDictionary(item, 'A part of the result');
      return { type: `${required(part, 'type')}`, value: required(part, 'value') };
    });
  }
}

/** The failure of a tool. */
export class LanguageModelToolError {
  readonly callID: string;
  readonly name: string;
  readonly errorMessage: string;

  constructor(init: unknown) {
    const members = toDictionary(init, 'The argument');
    this.callID = `${required(members, 'callID')}`;
    this.name = `${required(members, 'name')}`;
    this.errorMessage = `${required(members, 'errorMessage')}`;
  }
}

/** A tool of the page. Without `execute`, the answer contains the calls, and the page makes them. */
export interface PageTool extends Tool {
  readonly execute: ((...args: unknown[]) => unknown) | undefined;
}

/** Converts the tools of a session. @throws TypeError; errors of their getters. */
export function toTools(value: unknown): PageTool[] {
  const tools = (toSequence(value, 'tools') ?? []).map((item): PageTool => {
    const tool = toDictionary(item, 'A tool');
    const name = `${required(tool, 'name')}`;
    const description = `${required(tool, 'description')}`;
    if (name === '' || description === '') throw new TypeError('A tool needs a name and a description.');
    const { execute } = tool;
    if (execute !== undefined && typeof execute !== 'function') throw new TypeError('"execute" is not a function.');
    return { name, description, inputSchema: toInputSchema(tool.inputSchema), execute: execute as PageTool['execute'] };
  });
  if (new Set(tools.map(({ name }) => name)).size < tools.length) throw new TypeError('Two tools have the same name.');
  return tools;
}

function toInputSchema(value: unknown): object {
  if (typeof value !== 'object' || value === null) throw new TypeError('"inputSchema" is not an object.');
  const { type, properties, required: names } = value as Record<string, unknown>;
  if (type !== 'object') throw new TypeError('The type of "inputSchema" is not "object".');
  if (properties !== undefined && (typeof properties !== 'object' || properties === null)) {
    throw new TypeError('The properties of "inputSchema" are not an object.');
  }
  if (names !== undefined && !Array.isArray(names)) throw new TypeError('"required" of "inputSchema" is not an array.');
  // A copy, which the page cannot change later. Throws if it is not JSON.
  return JSON.parse(JSON.stringify(value));
}

/** Writes the arguments of a call as JSON. @throws DOMException `DataError` */
export function argumentsText(call: LanguageModelToolCall): string {
  if (typeof call.arguments !== 'object' || call.arguments === null || Array.isArray(call.arguments)) {
    throw new DOMException('The arguments of a tool call are not a dictionary.', 'DataError');
  }
  return jsonOf(call.arguments);
}

/** Writes the result of a tool as text. @throws DOMException `DataError`, `NotSupportedError` */
export function resultText(result: LanguageModelToolSuccess | LanguageModelToolError): string {
  if (result instanceof LanguageModelToolError) return `Error: ${result.errorMessage}`;
  return result.result
    .map(({ type, value }) => {
      if (type === 'image' || type === 'audio') {
        throw new DOMException(`Results of the type "${type}" are not supported.`, 'NotSupportedError');
      }
      if (typeof value === 'string') return value;
      if (typeof value === 'object' && value !== null && !isPlain(value)) {
        throw new DOMException('The result of a tool is not plain data.', 'DataError');
      }
      return jsonOf(value);
    })
    .join('\n');
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype as object) === null;
}

function jsonOf(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = undefined;
  }
  if (text === undefined) throw new DOMException('The value cannot be written as JSON.', 'DataError');
  return text;
}
