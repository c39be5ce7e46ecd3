import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { isHostError } from '../../common/errors.ts';
import { systemFolder, withSafePath } from '../../common/find-program.ts';
import type { JsonObject } from '../../common/json.ts';
import { encodeFrame } from '../../messaging/frame.ts';
import { MessageInput } from '../../messaging/message-input.ts';

/** Time limit for the first reply of a host, milliseconds; usually it takes about 50. */
const PING_TIMEOUT_MS = 15_000;

/**
 * Starts a host as a browser does and returns its reply to PING; undefined if there is none.
 *
 * @param program An absolute path.
 * @param args What the browser passes: the extension's origin, or the manifest's path and the add-on's id.
 */
export async function pingAsBrowser(
  program: string,
  args: readonly string[],
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<JsonObject | undefined> {
  const isBatch = program.toLowerCase().endsWith('.bat');
  const command = isBatch ? join(systemFolder({ env }), 'cmd.exe') : program;
  const child = spawn(command, isBatch ? batchArguments(program, args) : args, {
    cwd: dirname(program),
    windowsVerbatimArguments: isBatch,
    env: withSafePath(env),
    stdio: ['pipe', 'pipe', 'ignore'],
    windowsHide: true,
  });
  const reply = Promise.withResolvers<JsonObject | undefined>();
  const timer = setTimeout(() => reply.resolve(undefined), PING_TIMEOUT_MS);
  child.on('error', () => reply.resolve(undefined));
  // A program that does not read does not reply either.
  child.stdin.on('error', () => reply.resolve(undefined));
  const input = new MessageInput(child.stdout, {
    canAccept: () => true,
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

/**
 * Returns the arguments with which cmd.exe starts a batch file, which Windows cannot start directly. The words are quoted
 * here because cmd.exe parses quotes differently from programs: without them, a folder with `&` ends the command.
 */
export function batchArguments(program: string, args: readonly string[]): string[] {
  const line = [program, ...args].map((word) => `"${word}"`).join(' ');
  return ['/d', '/s', '/c', `"${line}"`];
}
