import { randomInt } from 'node:crypto';
import { isJsonObject, type JsonValue } from '../common/json.ts';

/** A function that a model may call. */
export interface ToolFunction {
  readonly name: string;
  /** JSON schema of its arguments. */
  readonly parameters: JsonValue;
  /** Whether every keyword of the schema must be enforced. */
  readonly strict: boolean;
  /** The field of the request that holds the parameters. */
  readonly field: string;
}

/** Names that every format writes unchanged. */
const NAME = /^[\w.:/-]{1,128}$/;

/**
 * Reads the functions of a list of tools in the format of Chat Completions; a function without the object around it is
 * accepted too.
 *
 * @returns The functions, and the fields of tools that are not functions.
 */
export function readFunctions(tools: readonly JsonValue[]): { functions: ToolFunction[]; others: string[] } {
  const functions = new Map<string, ToolFunction>();
  const others: string[] = [];
  for (const [index, tool] of tools.entries()) {
    const wrapped = isJsonObject(tool) && isJsonObject(tool.function);
    const described = isJsonObject(tool) && isJsonObject(tool.function) ? tool.function : tool;
    if (!isJsonObject(described) || typeof described.name !== 'string' || !NAME.test(described.name)) {
      others.push(`tools.${index}`);
      continue;
    }
    const { name, parameters } = described;
    functions.set(name, {
      name,
      parameters: isJsonObject(parameters) ? parameters : {},
      strict: described.strict === true,
      field: `tools.${index}.${wrapped ? 'function.' : ''}parameters`,
    });
  }
  return { functions: [...functions.values()], others };
}

/** A tool call. */
export interface ToolCall {
  /** Identifies the call in its conversation; results refer to it. */
  readonly id: string;
  readonly name: string;
  /** JSON text of an object. */
  readonly arguments: string;
}

/** Returns tool calls in the format of Chat Completions. */
export function toolCallFields(calls: readonly ToolCall[]): ToolCallField[] {
  return calls.map(({ id, name, arguments: text }) => ({ id, type: 'function', function: { name, arguments: text } }));
}

/** A call as a field of a message. */
export type ToolCallField = {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
};

const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Returns an id for a call: nine letters and digits, as Mistral's templates require and all others accept. */
export function newCallId(): string {
  return Array.from({ length: 9 }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join('');
}
