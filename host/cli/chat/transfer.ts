import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { atomicWrite } from '../../common/atomic-write.ts';
import { HostError, isHostError, isSystemError } from '../../common/errors.ts';
import { EXIT } from '../../common/exit-codes.ts';
import type { PayloadOf } from '../../protocol/messages.ts';
import { storeError } from '../../store/store-error.ts';
import { type CommandContext, print } from '../context.ts';
import { type JsonLine, readJsonLines } from '../json-lines.ts';
import { printable } from '../terminal/text.ts';
import { UsageError } from '../usage-error.ts';

/** Rows of one request, which imports all of them or none. */
const ROWS_AT_ONCE = 1000;

/** Characters of the rows of one request. Their UTF-8 bytes, several times as many, still fit in it. */
const CHARACTERS_AT_ONCE = 4 * 1024 * 1024;

/** Maximum number of IDs of refused messages that are printed. */
const MAX_SHOWN_IDS = 5;

type Refused = NonNullable<PayloadOf<'IMPORT_CONVERSATIONS'>['refused']>[number];

/** Rows of each kind. */
interface Counts {
  conversations: number;
  messages: number;
}

/** Exports all conversations to a file, or to stdout if it is `-`. */
export async function exportConversations(context: CommandContext, file: string): Promise<number> {
  return file === '-' ? exportToStdout(context) : exportToFile(context, resolve(file));
}

async function exportToStdout(context: CommandContext): Promise<number> {
  await exportRows(context, async (text) => context.terminal.stdout.write(text));
  return EXIT.ok;
}

/** Writes to a file that only its user can read, as the database is. An export that fails leaves the previous one. */
async function exportToFile(context: CommandContext, file: string): Promise<number> {
  await refuseOtherThanFile(file);
  const counts = { conversations: 0, messages: 0 };
  try {
    await atomicWrite(file, async (out) => {
      Object.assign(counts, await exportRows(context, (text) => out.writeFile(text)));
    });
  } catch (error) {
    throw error instanceof HostError ? error : fileFault(error, file, 'written');
  }
  print(context, { file, ...counts }, () => printable(`Exported ${formatCounts(counts)} to ${file}.\n`));
  return EXIT.ok;
}

async function refuseOtherThanFile(file: string): Promise<void> {
  try {
    if ((await stat(file)).isFile()) return;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return;
    throw fileFault(error, file, 'written');
  }
  throw new UsageError(`${file} is not a regular file. Omit it to write to stdout.`);
}

/** Converts an error of the file system about a file that was given. */
function fileFault(error: unknown, file: string, done: 'read' | 'written'): Error {
  if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'EROFS', 'ELOOP', 'ENAMETOOLONG')) {
    return new UsageError(`Cannot ${done === 'read' ? 'read' : 'write'} ${file} (${error.code}).`);
  }
  return storeError(error, file);
}

/** Writes every row, a page at a time. */
async function exportRows(context: CommandContext, write: (text: string) => Promise<unknown>): Promise<Counts> {
  const counts = { conversations: 0, messages: 0 };
  let cursor: string | undefined;
  do {
    const { payload } = await context.client.request('EXPORT_CONVERSATIONS', { cursor });
    await write(payload.rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    for (const { type } of payload.rows) counts[type === 'conversation' ? 'conversations' : 'messages'] += 1;
    cursor = payload.nextCursor;
  } while (cursor !== undefined);
  return counts;
}

/** Imports conversations from a file, or from stdin if it is `-`. */
export async function importConversations(context: CommandContext, typed: string): Promise<number> {
  const isStdin = typed === '-';
  const name = isStdin ? 'stdin' : resolve(typed);
  const input = isStdin ? context.terminal.stdin : createReadStream(name);
  const taken = { conversations: 0, messages: 0 };
  let skipped = 0;
  const refused: Refused[] = [];
  const send = async (rows: readonly JsonLine[]) => {
    const { conversations, messages, refused: others = [] } = await importSome(context, rows, name);
    refused.push(...others);
    taken.conversations += conversations.synced;
    taken.messages += messages.synced;
    skipped += conversations.skipped + messages.skipped - others.length;
  };
  let rows: JsonLine[] = [];
  let characters = 0;
  for await (const line of readJsonLines(readable(input as AsyncIterable<Buffer>, name), name)) {
    rows.push(line);
    characters += JSON.stringify(line.row).length;
    if (rows.length < ROWS_AT_ONCE && characters < CHARACTERS_AT_ONCE) continue;
    await send(rows);
    rows = [];
    characters = 0;
  }
  if (rows.length > 0) await send(rows);
  print(context, { ...taken, skipped, refused }, () => {
    const known = skipped === 0 ? '' : ` Skipped ${skipped} rows that already exist or have a newer version here.`;
    return printable(`Imported ${formatCounts(taken)}.${known}${formatRefused(refused)}\n`);
  });
  return refused.length === 0 ? EXIT.ok : EXIT.failed;
}

function formatRefused(refused: readonly Refused[]): string {
  if (refused.length === 0) return '';
  const ids = refused.slice(0, MAX_SHOWN_IDS).map(({ id }) => id);
  const more = refused.length > ids.length ? ', …' : '';
  const [messages, have] =
    refused.length === 1 ? ['1 message was', 'have its ID'] : [`${refused.length} messages were`, 'have their IDs'];
  return ` ${messages} not imported because messages of other conversations ${have}: ${ids.join(', ')}${more}.`;
}

/** Yields the contents of a file, with its errors converted. */
async function* readable(input: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  try {
    yield* input;
  } catch (error) {
    throw fileFault(error, name, 'read');
  }
}

async function importSome({ client }: CommandContext, lines: readonly JsonLine[], name: string) {
  try {
    const { payload } = await client.request('IMPORT_CONVERSATIONS', { rows: lines.map(({ row }) => row) });
    return payload;
  } catch (error) {
    if (!isHostError(error)) throw error;
    const place = /^rows\.(\d+)/.exec(String(error.details?.field));
    const line = lines[Number(place?.[1])]?.line;
    if (line === undefined) throw error;
    throw new HostError(error.code, `Line ${line} of ${name}: ${error.message}`, {
      details: { ...error.details, line },
    });
  }
}

function formatCounts({ conversations, messages }: Counts): string {
  const of = (count: number, one: string) => `${count} ${one}${count === 1 ? '' : 's'}`;
  return `${of(conversations, 'conversation')} and ${of(messages, 'message')}`;
}
