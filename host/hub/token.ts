import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { HostError, isSystemError } from '../errors.ts';

/** What a token may be made of: visible ASCII, as a header's value must be. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

/**
 * The hub token, found where huggingface_hub looks: `HF_TOKEN`, else the file `HF_TOKEN_PATH` names, else `token` in
 * `HF_HOME`, else `~/.cache/huggingface/token`. Throws `UNAUTHORIZED` for one that cannot be a token, without showing it.
 */
export async function readToken(env: Readonly<NodeJS.ProcessEnv>): Promise<string | undefined> {
  const { HF_TOKEN, HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME, HOME } = env;
  if (HF_TOKEN?.trim()) return checked(HF_TOKEN, 'HF_TOKEN');
  const cache = XDG_CACHE_HOME || join(HOME || homedir(), '.cache');
  const file = HF_TOKEN_PATH || join(HF_HOME || join(cache, 'huggingface'), 'token');
  try {
    const text = await readFile(file, 'utf8');
    return text.trim() === '' ? undefined : checked(text, file);
  } catch (error) {
    // No token is the usual case, and one that cannot be read is none of ours.
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EISDIR')) return undefined;
    throw error;
  }
}

function checked(text: string, source: string): string {
  const token = text.trim();
  if (TOKEN.test(token)) return token;
  throw new HostError('UNAUTHORIZED', `The hub token in ${source} has characters no token has. Set it anew.`, {
    details: { source },
  });
}
