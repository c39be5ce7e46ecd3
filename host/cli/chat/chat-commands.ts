import { REASONING_LEVELS } from '../../protocol/actions/settings.ts';
import type { CommandContext } from '../context.ts';
import { CHAT_SETTING_NAMES, chatSettingNamed, settingValue, shownName, shownValue } from '../setting-names.ts';
import { didYouMean } from '../suggest.ts';
import { facts, table } from '../terminal/text.ts';
import { UsageError } from '../usage-error.ts';
import type { ChatSession } from './chat-session.ts';
import { conversationRows, findConversation, shortId, shownTitle } from './find-conversation.ts';

/** Number of conversations that /load lists. */
const LISTED_CONVERSATIONS = 15;

/** Context of a command of a chat. */
interface ChatCommandContext {
  readonly session: ChatSession;
  readonly context: CommandContext;
  /** The rest of the line. */
  readonly rest: string;
}

/** A command that is typed in a chat. */
interface ChatCommand {
  readonly usage: string;
  readonly summary: string;
  /** Returns what to print, if anything. */
  run(context: ChatCommandContext): Promise<string | undefined>;
}

const COMMANDS: Readonly<Record<string, ChatCommand>> = {
  help: {
    usage: '/help',
    summary: 'show this list',
    run: async () => help(),
  },
  system: {
    usage: '/system [TEXT]',
    summary: 'show or set the system prompt; "" for none',
    run: async ({ session, rest }) => {
      if (rest === '') return session.system || 'There is no system prompt.';
      await session.setSystem(rest === '""' ? '' : rest);
      return 'System prompt set.';
    },
  },
  set: {
    usage: '/set [NAME VALUE]',
    summary: 'show settings, or change one; VALUE "default" resets it',
    run: async ({ session, context, rest }) => set(session, rest, context),
  },
  reasoning: {
    usage: '/reasoning [LEVEL]',
    summary: `show or set how much the model reasons: ${REASONING_LEVELS.join(', ')}`,
    run: async ({ session, rest }) => {
      if (rest === '') return `Reasoning: ${session.settings.reasoning ?? 'auto'}.`;
      if (!REASONING_LEVELS.some((level) => level === rest)) {
        throw new UsageError(`Invalid level: "${rest}". Expected one of ${REASONING_LEVELS.join(', ')}.`);
      }
      session.set('reasoning', rest);
      return `Reasoning: ${rest}.`;
    },
  },
  retry: {
    usage: '/retry',
    summary: 'generate another answer to the last question',
    run: async ({ session }) => void (await session.retry()),
  },
  continue: {
    usage: '/continue',
    summary: 'continue an answer that was stopped or cut off',
    run: async ({ session }) => void (await session.continue()),
  },
  clear: {
    usage: '/clear',
    summary: 'start a new conversation',
    run: async ({ session }) => {
      await session.clear();
      return 'Started a new conversation.';
    },
  },
  save: {
    usage: '/save TITLE',
    summary: 'give the conversation a title',
    run: async ({ session, rest }) => {
      if (rest === '') throw new UsageError('Missing title. Usage: /save TITLE');
      const { id, title } = await session.rename(rest);
      return `Saved as "${title}". "/load ${shortId(id)}" opens it again.`;
    },
  },
  load: {
    usage: '/load [CONVERSATION]',
    summary: 'list conversations, or continue one, by its ID or title',
    run: async ({ session, context, rest }) => {
      if (rest === '') return listConversations(context);
      if (session.isTemporary) {
        throw new UsageError('This chat is temporary. Continue a conversation with "tabagent run MODEL --chat".');
      }
      const conversation = await findConversation(rest, context.client);
      session.open(conversation);
      return `Continuing "${shownTitle(conversation)}".`;
    },
  },
  bye: {
    usage: '/bye',
    summary: 'exit',
    // The chat ends before this would run.
    run: async () => undefined,
  },
};

/** Returns what the word at the end of a line may become: a command, or the first argument of one. */
export function completionsOf(line: string): string[] {
  const [, command, word] = /^\/([a-z]*)(?: +(\S*))?$/.exec(line) ?? [];
  if (command === undefined) return [];
  if (word === undefined)
    return Object.keys(COMMANDS)
      .filter((name) => name.startsWith(command))
      .map((name) => `/${name} `);
  const choices: readonly string[] = { set: CHAT_SETTING_NAMES, reasoning: REASONING_LEVELS }[command] ?? [];
  return choices.filter((choice) => choice.startsWith(word)).map((choice) => `/${command} ${choice} `);
}

/** A command that was typed: its name and the rest of the line. */
export interface TypedCommand {
  readonly name: string;
  readonly rest: string;
}

/** Returns the command that a prompt is, if it is one: a single word after the slash, so not a path. */
export function chatCommandIn(typed: string): TypedCommand | undefined {
  const [, name, rest = ''] = /^\/([a-z]+)(?:\s+(.*))?$/is.exec(typed.trimEnd()) ?? [];
  return name === undefined ? undefined : { name: name.toLowerCase(), rest: rest.trim() };
}

/**
 * Runs a command of a chat, and returns what to print, if anything.
 *
 * @throws UsageError for an unknown command or invalid arguments.
 */
export async function runChatCommand(
  { name, rest }: TypedCommand,
  session: ChatSession,
  context: CommandContext,
): Promise<string | undefined> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) return command.run({ session, context, rest });
  const known = Object.keys(COMMANDS).map((one) => `/${one}`);
  throw new UsageError(`Unknown command: /${name}.${didYouMean(`/${name}`, known)} /help lists the commands.`);
}

function help(): string {
  const rows = Object.values(COMMANDS).map(({ usage, summary }) => [usage, summary]);
  const keys = [
    ['"""', 'start and end a prompt of several lines; pasted text may have several lines, too'],
    ['Up, Down', 'earlier prompts, also of other conversations'],
    ['Tab', 'complete a command or the name of a setting'],
    ['Ctrl-C', 'stop the answer; on an empty line, twice to exit'],
    ['Ctrl-D', 'exit'],
  ];
  return table([...rows, ['', ''], ...keys]).trimEnd();
}

async function set(session: ChatSession, typed: string, { client }: CommandContext): Promise<string> {
  const [, name = '', value = ''] = /^(\S*)\s*(.*)$/s.exec(typed) ?? [];
  if (name === '') {
    const changed = Object.entries({ ...session.settings, ...session.loadSettings });
    const rows = changed.map(([key, set]) => [shownName(key), shownValue(key, set)] as const);
    return rows.length === 0 ? 'All settings have their default values.' : facts(rows).trimEnd();
  }
  if (value === '') throw new UsageError(`Missing value. Usage: /set ${name} VALUE`);
  const setting = chatSettingNamed(name);
  const read = await settingValue(setting, setting.key === 'lora' ? value.split(/\s+/) : [value], client);
  if (setting.group === 'system_prompt') await session.setSystem(read === undefined ? null : String(read));
  else if (setting.group === 'load') await session.setLoad(setting.key, read);
  else session.set(setting.key, read);
  return `${shownName(setting.key)}: ${read === undefined ? 'default' : shownValue(setting.key, read)}`;
}

async function listConversations({ client }: CommandContext): Promise<string> {
  const { payload } = await client.request('LIST_CONVERSATIONS', { limit: LISTED_CONVERSATIONS });
  if (payload.conversations.length === 0) return 'No conversations.';
  return table([['ID', 'CHANGED', 'TITLE'], ...conversationRows(payload.conversations)]).trimEnd();
}
