import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { isHostError } from '../../common/errors.ts';
import { systemFolder, withSafePath } from '../../common/find-program.ts';
import type { JsonObject } from '../../common/json.ts';
import { encodeFrame } from '../../messaging/frame.ts';
import { MessageInput } from '../../messaging/message-input.ts';

/** Longest a host may take for its first reply, milliseconds; it takes some 50. */
const PING_TIMEOUT_MS = 15_000;

/**
 * Starts a host as a browser would and gives its reply to PING; undefined when none came, whatever the program is.
 *
 * @param program An absolute path.
 * @param args What the browser passes: the extension's origin, or the manifest's path and the add-on's id.
 */
export async function pingAsBrowser(
  program: string,
  args: readonly string[],
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<JsonObject | undefined> {
  // Windows starts batch files through its shell alone.
  const [command, first] = program.toLowerCase().endsWith('.bat')
    ? [join(systemFolder({ env }), 'cmd.exe'), ['/d', '/c', program]]
    : [program, []];
  const child = spawn(command, [...first, ...args], {
    cwd: dirname(program),
    env: withSafePath(env),
    stdio: ['pipe', 'pipe', 'ignore'],
    windowsHide: true,
  });
  const reply = Promise.withResolvers<JsonObject | undefined>();
  const timer = setTimeout(() => reply.resolve(undefined), PING_TIMEOUT_MS);
  child.on('error', () => reply.resolve(undefined));
  // A program that does not read is told apart by its silence.
  child.stdin.on('error', () => reply.resolve(undefined));
  const input = new MessageInput(child.stdout, {
    hasRoom: () => true,
    onMessage: (message) => reply.resolve(isHostError(message) ? undefined : message),
    onEnd: () => reply.resolve(undefined),
  });
  child.stdin.write(encodeFrame({ action: 'PING', requestId: 'doctor' }));
  try {
    return await reply.promise;
  } finally {
    clearTimeout(timer);
    input.close();
    child.stdin.end();
    child.kill();
  }
}
