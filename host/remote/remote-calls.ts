import { parseJsonObject } from '../common/json-limits.ts';
import { newCallId, type ToolCall } from '../tools/tool-function.ts';
import type { CallPiece } from './chunk.ts';

/** Maximum number of tool calls in an answer. */
const MAX_CALLS = 128;

/** Maximum length of the arguments of a call, and of an id or name, in UTF-16 code units. */
const MAX_ARGUMENTS = 256 * 1024;
const MAX_NAME = 512;

/** Pieces do not form valid tool calls. The message describes what was received, as a noun phrase. */
export class RemoteCallError extends Error {
  override readonly name = 'RemoteCallError';
}

/** Assembles the tool calls of an answer from their pieces. */
export class RemoteCalls {
  readonly #calls: { id: string; name: string; arguments: string }[] = [];
  #reported = 0;

  /**
   * Adds pieces. Returns the calls that are complete now: those before the call to which the last piece belongs.
   *
   * @throws RemoteCallError
   */
  push(pieces: readonly CallPiece[]): { index: number; call: ToolCall }[] {
    let last = -1;
    for (const { index, id, name, arguments: piece } of pieces) {
      if (index >= MAX_CALLS) throw new RemoteCallError(`more than ${MAX_CALLS} tool calls`);
      // A new call must have the next index.
      if (index > this.#calls.length) throw new RemoteCallError('tool calls with gaps in their indices');
      const call = this.#calls[index] ?? { id: '', name: '', arguments: '' };
      this.#calls[index] = call;
      call.id ||= id ?? '';
      // Some engines repeat the name, others send it in pieces.
      if (name !== undefined && name !== call.name) call.name += name;
      call.arguments += piece;
      if (call.arguments.length > MAX_ARGUMENTS) throw new RemoteCallError('a tool call that is too long');
      if (call.id.length > MAX_NAME || call.name.length > MAX_NAME)
        throw new RemoteCallError('an id or name that is too long');
      last = Math.max(last, index);
    }
    return this.#report(last);
  }

  /**
   * Returns the calls that have not been returned yet.
   *
   * @throws RemoteCallError
   */
  end(): { index: number; call: ToolCall }[] {
    return this.#report(this.#calls.length);
  }

  #report(until: number): { index: number; call: ToolCall }[] {
    const complete: { index: number; call: ToolCall }[] = [];
    for (; this.#reported < until; this.#reported += 1) {
      const index = this.#reported;
      const { id, name, arguments: text } = this.#calls[index] ?? { id: '', name: '', arguments: '' };
      if (name === '') throw new RemoteCallError('a tool call without a name');
      // Some engines send no arguments for a function without parameters.
      const given = text.trim() === '' ? '{}' : text;
      if (parseJsonObject(given) === undefined)
        throw new RemoteCallError(`a call of ${name} whose arguments are not a JSON object`);
      complete.push({ index, call: { id: id === '' ? newCallId() : id, name, arguments: given } });
    }
    return complete;
  }
}
