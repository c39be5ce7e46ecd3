import { EXIT, exitCodeOf } from '../../common/exit-codes.ts';
import { isJsonObject, type JsonObject } from '../../common/json.ts';
import { ACTIONS } from '../../protocol/actions/index.ts';
import { type CommandContext, print, printLine } from '../context.ts';
import { readStdin } from '../read-stdin.ts';
import { didYouMean } from '../suggest.ts';
import { UsageError } from '../usage-error.ts';

/** `tabagent call`: prints the reply as a browser receives it. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client, terminal } = context;
  const [typed = '', fields] = input.args;
  const action = typed.toUpperCase();
  if (!ACTIONS.has(action)) {
    throw new UsageError(`Unknown action: ${typed}.${didYouMean(typed, [...ACTIONS.keys()])}`);
  }
  const message = await readFields(fields, terminal.stdin);
  const events = input.flag('events');
  const reply = await client.send(
    { ...message, action },
    {
      onEvent: (event) => (events ? printLine(context, event) : terminal.stderr.write(`${JSON.stringify(event)}\n`)),
    },
  );
  if (events) printLine(context, reply);
  else print(context, reply, () => `${JSON.stringify(reply, null, 2)}\n`);
  return reply.status === 'success' ? EXIT.ok : exitCodeOf(reply.code);
}

async function readFields(typed: string | undefined, stdin: NodeJS.ReadableStream): Promise<JsonObject> {
  if (typed === undefined) return {};
  const json = typed === '-' ? await readStdin(stdin) : typed;
  let fields: unknown;
  try {
    fields = JSON.parse(json);
  } catch (error) {
    throw new UsageError(`FIELDS is not valid JSON: ${(error as SyntaxError).message}`);
  }
  if (isJsonObject(fields)) return fields;
  throw new UsageError('FIELDS must be a JSON object, for example \'{"modelId": "owner/name/file.gguf"}\'.');
}
