import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { EXIT } from '../../common/exit-codes.ts';
import { type CommandContext, print } from '../context.ts';
import { readStdin } from '../read-stdin.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { printable } from '../terminal/text.ts';
import { UsageError } from '../usage-error.ts';

/** `tabagent login`: saves an access token. It is never an argument, which other users could read in the process list. */
export async function run(context: CommandContext): Promise<number> {
  const { client, interrupts, terminal } = context;
  const { payload: status } = await client.request('GET_HF_TOKEN_STATUS');
  const token = await readToken(status.endpoint, terminal, interrupts.signal);
  if (token === '') throw new UsageError('No token was given.');
  const { payload, message = '' } = await client.request('SET_HF_TOKEN', { token });
  print(context, payload, () => printable(`${message}.\n`));
  return EXIT.ok;
}

async function readToken(endpoint: string, terminal: Terminal, signal: AbortSignal): Promise<string> {
  if (terminal.piped) return (await readStdin(terminal.stdin)).trim();
  if (!terminal.interactive) throw new UsageError('Run this command in a terminal, or pipe the token to stdin.');
  terminal.stderr.write(
    `Create a token at ${endpoint}/settings/tokens, then enter it here. It is not shown.\nAccess token: `,
  );
  // Typed characters are echoed to the output of the interface, which discards them.
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: terminal.stdin, output: hidden, terminal: true });
  // In raw mode Ctrl-C is a key, not a signal.
  lines.on('SIGINT', () => process.emit('SIGINT'));
  try {
    return (await lines.question('', { signal })).trim();
  } finally {
    lines.close();
    terminal.stderr.write('\n');
    signal.throwIfAborted();
  }
}
