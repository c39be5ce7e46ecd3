import { StringDecoder } from 'node:string_decoder';
import { HostError } from '../common/errors.ts';
import { isJsonObject, type JsonObject } from '../common/json.ts';
import { MAX_REPLY_BYTES } from '../protocol/limits.ts';

/** One row of a file of JSON lines. */
export interface JsonLine {
  /** From 1. */
  readonly line: number;
  readonly row: JsonObject;
}

/**
 * Reads JSON lines: one object per line; empty lines are allowed. A line is no longer than a reply may be, in
 * characters: every row came in one.
 *
 * @param name The name of the input in errors.
 * @throws HostError `INVALID_REQUEST` with the line that is no object, or too long.
 */
export async function* readJsonLines(input: AsyncIterable<Buffer | string>, name: string): AsyncGenerator<JsonLine> {
  let line = 0;
  for await (const text of lines(input, name)) {
    line += 1;
    if (text.trim() !== '') yield { line, row: parse(text, line, name) };
  }
}

async function* lines(input: AsyncIterable<Buffer | string>, name: string): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let unfinished = '';
  let line = 1;
  for await (const piece of input) {
    const text = typeof piece === 'string' ? piece : decoder.write(piece);
    const ended = text.split('\n');
    const last = ended.pop() ?? '';
    for (const rest of ended) {
      yield withoutMark(bounded(unfinished + rest, line, name), line++);
      unfinished = '';
    }
    unfinished = bounded(unfinished + last, line, name);
  }
  yield withoutMark(unfinished + decoder.end(), line);
}

function bounded(text: string, line: number, name: string): string {
  if (text.length > MAX_REPLY_BYTES) throw refused(name, line, `at most ${MAX_REPLY_BYTES} characters`);
  return text;
}

/** Some editors of Windows begin a file with a byte order mark. */
function withoutMark(text: string, line: number): string {
  return line === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function parse(text: string, line: number, name: string): JsonObject {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch {
    // The line itself is not shown, because it is part of a conversation.
    throw refused(name, line, 'a JSON object');
  }
  if (isJsonObject(row)) return row;
  throw refused(name, line, 'a JSON object');
}

function refused(name: string, line: number, expected: string): HostError {
  return new HostError('INVALID_REQUEST', `Invalid line ${line} in ${name}: expected ${expected}.`, {
    details: { line, expected },
  });
}
