import type { Writable } from 'node:stream';
import { type HostError, isHostError } from '../common/errors.ts';
import { createLogger } from '../common/log.ts';
import { readConfig } from '../config.ts';
import { errorReply } from '../messaging/error-reply.ts';
import { encodeFrame } from '../messaging/frame.ts';
import { MessageInput } from '../messaging/message-input.ts';
import type { FrameStreams } from '../messaging/stdio.ts';
import { readHead } from '../protocol/parse-request.ts';
import type { Caller } from './caller.ts';
import { assertAllowed } from './check-caller.ts';
import { assertOwnDataFolder } from './data-folder.ts';

/** Time limit for the first message of a rejected client, in milliseconds. An extension sends one when it connects. */
const FIRST_MESSAGE_MS = 1_000;

/**
 * Rejects an extension that is not allowed. Returns whether it was rejected. Logs the rejection, unless the
 * configuration that contains the log's path cannot be read.
 *
 * @param entry The file with which this process was started.
 */
export async function refuseUnlessAllowed(caller: Caller, streams: FrameStreams, entry: URL): Promise<boolean> {
  try {
    const config = readConfig({ runnerEntry: entry });
    assertOwnDataFolder(config.paths);
    try {
      await assertAllowed(caller, config);
      return false;
    } catch (error) {
      if (!isHostError(error)) throw error;
      const log = createLogger({ file: config.paths.logFile, debug: config.debug });
      log.warn('start.refused', { code: error.code, details: error.details });
      throw error;
    }
  } catch (error) {
    if (!isHostError(error)) throw error;
    await refuse(streams, error);
    return true;
  }
}

/**
 * Sends a client the error for which it is rejected, as the reply to its first message if it sends one. Resolves when
 * the reply has been written. Ignores further messages.
 */
async function refuse({ input, output }: FrameStreams, error: HostError): Promise<void> {
  const first = Promise.withResolvers<object>();
  const timer = setTimeout(() => first.resolve({}), FIRST_MESSAGE_MS);
  const messages = new MessageInput(input, {
    canAccept: () => true,
    onMessage: (message) => first.resolve(isHostError(message) ? {} : readHead(message)),
    onEnd: () => first.resolve({}),
  });
  const head = await first.promise;
  clearTimeout(timer);
  messages.close();
  await written(output, encodeFrame(errorReply(error, head)));
}

function written(output: Writable, frame: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    // The client has disconnected, so no reply is needed.
    output.on('error', () => resolve());
    output.write(frame, () => resolve());
  });
}
