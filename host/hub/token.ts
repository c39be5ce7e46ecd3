import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeText } from '../common/decode-text.ts';
import { HostError, isSystemError } from '../common/errors.ts';
import { ownFolders } from '../common/platform.ts';

/** What a token may be made of: visible ASCII, as a header's value must be. */
export const TOKEN = /^[\x21-\x7e]{1,4096}$/;

/** A hub token, and where it was found: `HF_TOKEN`, `SET_HF_TOKEN`, or the path of a file. */
export interface FoundToken {
  readonly token: string;
  readonly source: string;
}

/** Where a token that the user gave this host is kept. */
export type KeptToken = () => Promise<string | undefined>;

/**
 * The hub token: `HF_TOKEN`, else the one SET_HF_TOKEN was given, else where huggingface_hub keeps its own: the file
 * `HF_TOKEN_PATH` names, `token` in `HF_HOME`, or `~/.cache/huggingface/token`. Throws `UNAUTHORIZED` for one that cannot
 * be a token, without showing it.
 */
export async function findToken(env: Readonly<NodeJS.ProcessEnv>, kept?: KeptToken): Promise<FoundToken | undefined> {
  const { HF_TOKEN, HF_TOKEN_PATH } = env;
  if (HF_TOKEN?.trim()) return checked(HF_TOKEN, 'HF_TOKEN');
  const given = await kept?.();
  if (given !== undefined) return checked(given, 'SET_HF_TOKEN');
  const file = HF_TOKEN_PATH || join(ownFolders(env).huggingFace, 'token');
  try {
    const text = decodeText(await readFile(file));
    return text.trim() === '' ? undefined : checked(text, file);
  } catch (error) {
    // No token is the usual case, and one that cannot be read is none of ours.
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EISDIR')) return undefined;
    if (isSystemError(error, 'ERR_ENCODING_INVALID_ENCODED_DATA')) throw invalidToken(file);
    throw error;
  }
}

function checked(text: string, source: string): FoundToken {
  const token = text.trim();
  if (TOKEN.test(token)) return { token, source };
  throw invalidToken(source);
}

function invalidToken(source: string): HostError {
  return new HostError('UNAUTHORIZED', `The access token in ${source} contains invalid characters. Set it again.`, {
    details: { source },
  });
}
