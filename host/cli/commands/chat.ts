import { EXIT } from '../../common/exit-codes.ts';
import type { PayloadOf } from '../../protocol/messages.ts';
import { conversationRows, findConversation, shownTitle } from '../chat/find-conversation.ts';
import { exportConversations, importConversations } from '../chat/transfer.ts';
import { type CommandContext, print } from '../context.ts';
import { paint } from '../terminal/styles.ts';
import { facts, printable, table } from '../terminal/text.ts';
import { UsageError } from '../usage-error.ts';

/** Characters of an excerpt that a search shows. */
const MAX_EXCERPT = 100;

type Message = PayloadOf<'GET_CONVERSATION'>['messages'][number];
type Subcommand = (context: CommandContext, args: readonly string[]) => Promise<number>;

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  list,
  show,
  rm,
  search,
  export: (context, args) => exportConversations(context, only(args, 'FILE') ?? '-'),
  import: (context, args) => importConversations(context, required(args, 'import FILE (- for stdin)')),
};

/** `tabagent chat`. */
export async function run(context: CommandContext): Promise<number> {
  const [what = 'list', ...args] = context.input.args;
  return (SUBCOMMANDS[what] ?? list)(context, args);
}

async function list(context: CommandContext, args: readonly string[]): Promise<number> {
  if (args.length > 0) throw new UsageError(`Unexpected argument: "${args[0]}".`);
  const all = await context.client.all('LIST_CONVERSATIONS', ({ conversations }) => conversations);
  print(context, { conversations: all }, () =>
    all.length === 0
      ? 'No conversations. Run "tabagent run MODEL" to start one.\n'
      : table([['ID', 'CHANGED', 'TITLE'], ...conversationRows(all)]),
  );
  return EXIT.ok;
}

async function show(context: CommandContext, args: readonly string[]): Promise<number> {
  const { client, terminal } = context;
  const conversation = await findConversation(required(args, 'show CONVERSATION'), client);
  const messages = await client.all('GET_CONVERSATION', (payload) => payload.messages, { id: conversation.id });
  print(context, { conversation, messages }, () => {
    const heading = facts([
      ['Title', shownTitle(conversation)],
      ['ID', conversation.id],
      ['System prompt', conversation.system_prompt || undefined],
    ]);
    return [heading, ...messages.map((message) => shownMessage(message, terminal.styled.stdout))].join('\n');
  });
  return EXIT.ok;
}

function shownMessage({ role, content, status, reasoning_content, tool_calls = [] }: Message, styled: boolean): string {
  const note = status === 'done' ? '' : ` (${status})`;
  const reasoning =
    reasoning_content === undefined ? [] : [paint(printable(reasoning_content.trim()), 'dim', styled), ''];
  const calls = tool_calls.map((call) => printable(`Tool call: ${JSON.stringify(call.function ?? call)}`));
  return [
    paint(printable(`${role}${note}:`), 'bold', styled),
    ...reasoning,
    ...(content === '' ? [] : [printable(content)]),
    ...calls,
    '',
  ].join('\n');
}

async function rm(context: CommandContext, args: readonly string[]): Promise<number> {
  const { client } = context;
  if (args.length === 0) throw new UsageError('Missing argument. Usage: tabagent chat rm CONVERSATION...');
  // All are found before the first is deleted.
  const found = await Promise.all(args.map((typed) => findConversation(typed, client)));
  for (const { id } of found) await client.request('DELETE_CONVERSATION', { id });
  print(context, { deleted: found.map(({ id }) => id) }, () =>
    found.map((conversation) => printable(`Deleted "${shownTitle(conversation)}".\n`)).join(''),
  );
  return EXIT.ok;
}

async function search(context: CommandContext, args: readonly string[]): Promise<number> {
  const query = args.join(' ');
  if (query === '') throw new UsageError('Missing argument. Usage: tabagent chat search WORDS');
  const { payload } = await context.client.request('SEARCH_CONVERSATIONS', { query });
  print(context, payload, () => {
    if (payload.conversations.length === 0) return 'No conversations found.\n';
    const rows = payload.conversations.map((found) => [
      ...conversationRows([found]).flat(),
      found.snippet.replace(/\s+/g, ' ').slice(0, MAX_EXCERPT),
    ]);
    return table([['ID', 'CHANGED', 'TITLE', 'EXCERPT'], ...rows]);
  });
  return EXIT.ok;
}

/** Returns the only argument of a subcommand, if it is given. Throws {@link UsageError} for more. */
function only(args: readonly string[], name: string): string | undefined {
  if (args.length > 1) throw new UsageError(`Unexpected argument: "${args[1]}". Expected only ${name}.`);
  return args[0];
}

function required(args: readonly string[], usage: string): string {
  const [, name = ''] = usage.split(' ');
  const given = only(args, name);
  if (given === undefined) throw new UsageError(`Missing argument ${name}. Usage: tabagent chat ${usage}`);
  return given;
}
