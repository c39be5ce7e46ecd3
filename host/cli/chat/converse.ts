import { isHostError } from '../../common/errors.ts';
import { EXIT } from '../../common/exit-codes.ts';
import type { CommandContext } from '../context.ts';
import { remedyFor } from '../remedies.ts';
import { printable } from '../terminal/text.ts';
import { UsageError } from '../usage-error.ts';
import { chatCommandIn, completionsOf, runChatCommand } from './chat-commands.ts';
import { ChatInput } from './chat-input.ts';
import type { ChatSession } from './chat-session.ts';

/**
 * Chats at the terminal until /bye, Ctrl-D, or Ctrl-C twice.
 *
 * @param earlier Prompts that the arrow keys find, newest first.
 */
export async function converse(
  session: ChatSession,
  context: CommandContext,
  earlier: readonly string[],
): Promise<number> {
  const { terminal, interrupts } = context;
  const note = session.isTemporary ? ' This chat is not stored.' : '';
  terminal.stderr.write(
    printable(`Chatting with ${session.modelId}.${note} /help lists commands, /bye or Ctrl-D exits.\n`),
  );
  const input = new ChatInput(terminal, interrupts, { earlier, complete: completionsOf });
  try {
    for (;;) {
      const typed = await input.next();
      if (typed === undefined || typed.trim().toLowerCase() === '/bye') return EXIT.ok;
      if (typed.trim() !== '') await reply(typed, session, context);
    }
  } finally {
    input.close();
  }
}

/** Runs a command, or answers a prompt. Reports an error; the chat continues. */
async function reply(typed: string, session: ChatSession, context: CommandContext): Promise<void> {
  const { stderr } = context.terminal;
  const command = chatCommandIn(typed);
  try {
    if (command === undefined) await session.ask(typed);
    else {
      const shown = await runChatCommand(command, session, context);
      if (shown !== undefined) stderr.write(printable(`${shown}\n`));
    }
  } catch (error) {
    if (error instanceof UsageError) stderr.write(printable(`${error.message}\n`));
    else if (isHostError(error) && error.code !== 'ABORTED') {
      const remedy = remedyFor(error);
      stderr.write(printable(`${error.message} (${error.code})\n${remedy === undefined ? '' : `${remedy}\n`}`));
    } else throw error;
  }
}
