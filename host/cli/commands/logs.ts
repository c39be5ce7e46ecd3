import { readFile } from 'node:fs/promises';
import { isSystemError } from '../../common/errors.ts';
import { EXIT } from '../../common/exit-codes.ts';
import { isJsonObject, type JsonObject } from '../../common/json.ts';
import { readConfig } from '../../config.ts';
import { type CommandContext, print } from '../context.ts';
import { printable } from '../terminal/text.ts';

/** Entries printed without `--lines`. */
const DEFAULT_LINES = 50;

/** `tabagent logs`: the newest entries of the log, the oldest of them first. The host keeps the log small, so it is read as a whole. */
export async function run(context: CommandContext): Promise<number> {
  const { input, terminal, entry } = context;
  const { logFile } = readConfig({ runnerEntry: entry, env: terminal.env }).paths;
  const count = Math.max(0, Math.floor(input.number('lines') ?? DEFAULT_LINES));
  const lines = [...(await linesOf(`${logFile}.1`)), ...(await linesOf(logFile))];
  const entries = lines.slice(Math.max(0, lines.length - count)).flatMap(parse);
  print(context, { file: logFile, entries }, () => entries.map((record) => printable(`${words(record)}\n`)).join(''));
  if (lines.length === 0) terminal.stderr.write(`The log ${logFile} is empty.\n`);
  return EXIT.ok;
}

async function linesOf(file: string): Promise<string[]> {
  try {
    return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** A line that is not whole, as a crash can leave it, is skipped. */
function parse(line: string): JsonObject[] {
  try {
    const record: unknown = JSON.parse(line);
    return isJsonObject(record) ? [record] : [];
  } catch {
    return [];
  }
}

function words({ time, level, event, ...fields }: JsonObject): string {
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [time, String(level).padEnd(5), event, ...rest].join(' ');
}
