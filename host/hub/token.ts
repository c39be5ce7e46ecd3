import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeText } from '../common/decode-text.ts';
import { HostError, isSystemError } from '../common/errors.ts';
import { ownFolders } from '../common/platform.ts';
import { isPrivateHost } from '../common/private-network.ts';

/** Maximum size of a token file, in bytes; tokens have about 40 characters. */
const MAX_TOKEN_BYTES = 64 * 1024;

/** Pattern of an access token: visible ASCII, because it is sent in a header. */
export const TOKEN = /^[\x21-\x7e]{1,4096}$/;

/** An access token for the hub, and its source: `HF_TOKEN`, `SET_HF_TOKEN`, or the path of a file. */
export interface HubToken {
  readonly token: string;
  readonly source: string;
}

/** An access token that the hub rejected, or that is invalid. */
export interface RejectedToken {
  /** Where it comes from: `HF_TOKEN`, `SET_HF_TOKEN`, or the path of a file. */
  readonly source: string;
  /** The hub's reason. */
  readonly reason: string | undefined;
}

/** Returns two sentences: that a token was rejected, and how to replace it. */
export function describeRejected({ source, reason }: RejectedToken): string {
  const [place, remedy] =
    source === 'HF_TOKEN'
      ? ['in the environment variable HF_TOKEN', 'Set HF_TOKEN to a valid token, or unset it.']
      : source === 'SET_HF_TOKEN'
        ? ['saved in TabAgent', 'Save a new access token, or remove this one.']
        : [
            `that huggingface_hub stores in ${source}`,
            'Log in again with "hf auth login", or delete the file, or save a token in TabAgent.',
          ];
  return `The access token ${place} was rejected${reason === undefined ? '' : ` ("${reason}")`}. ${remedy}`;
}

/** Returns the access token that the user saved in this host, if any. */
export type SavedToken = () => Promise<string | undefined>;

/**
 * Returns the access token for the hub: `HF_TOKEN`, otherwise the one saved with SET_HF_TOKEN, otherwise the one that
 * huggingface_hub stores: in the file `HF_TOKEN_PATH`, in `token` in `HF_HOME`, or in `~/.cache/huggingface/token`.
 * Throws `UNAUTHORIZED` if it is not a valid token, without showing it.
 */
export async function findToken(
  env: Readonly<NodeJS.ProcessEnv>,
  readSaved?: SavedToken,
): Promise<HubToken | undefined> {
  const { HF_TOKEN, HF_TOKEN_PATH } = env;
  if (HF_TOKEN?.trim()) return checked(HF_TOKEN, 'HF_TOKEN');
  const saved = await readSaved?.();
  if (saved !== undefined) return checked(saved, 'SET_HF_TOKEN');
  const file = HF_TOKEN_PATH || join(ownFolders(env).huggingFace, 'token');
  try {
    const stats = await stat(file);
    // A larger file is not a token, and a pipe or device may have no end.
    if (!stats.isFile() || stats.size > MAX_TOKEN_BYTES) return undefined;
    const text = decodeText(await readFile(file));
    return text.trim() === '' ? undefined : checked(text, file);
  } catch (error) {
    // Usually there is no token. A file that this user cannot read is not this user's token.
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EISDIR')) return undefined;
    if (isSystemError(error, 'ERR_ENCODING_INVALID_ENCODED_DATA')) throw invalidToken(file);
    throw error;
  }
}

/**
 * Returns whether a token may be sent to a hub: over HTTPS, to this machine or a private network, or if the user allows
 * plain HTTP, over which others could read it.
 */
export function allowsToken(endpoint: string, env: Readonly<NodeJS.ProcessEnv>): boolean {
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'https:' || isPrivateHost(hostname) || env.TABAGENT_HUB_PLAIN_HTTP === '1';
}

function checked(text: string, source: string): HubToken {
  const token = text.trim();
  if (TOKEN.test(token)) return { token, source };
  throw invalidToken(source);
}

function invalidToken(source: string): HostError {
  return new HostError('UNAUTHORIZED', `The access token in ${source} contains invalid characters. Set it again.`, {
    details: { source },
  });
}
