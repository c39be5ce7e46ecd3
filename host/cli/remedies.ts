import type { HostError } from '../common/errors.ts';
import type { ErrorCode } from '../protocol/errors.ts';

const PULL = 'Run "tabagent pull MODEL" to download it, or "tabagent ls" to list downloaded models.';
const TOKEN = 'Run "tabagent login" to save an access token that can read the repository, or set HF_TOKEN.';
const DOCTOR = 'Run "tabagent doctor" to find the cause.';
const VERIFY = 'Run "tabagent verify MODEL" to check the file, and "tabagent repair MODEL" to fix it.';
const SPACE = 'Run "tabagent prune" to free up space, or "tabagent move FOLDER" to use another disk.';

/** What to do on the command line about an error. Messages name no commands, since the browser shows them, too. */
const REMEDIES: Partial<Record<ErrorCode, string>> = {
  MODEL_NOT_DOWNLOADED: PULL,
  INSUFFICIENT_MEMORY: 'Run "tabagent fit MODEL --context TOKENS" to see what fits.',
  GATED_REPO: TOKEN,
  UNAUTHORIZED: TOKEN,
  REPO_NOT_FOUND: TOKEN,
  HUB_UNREACHABLE: DOCTOR,
  ENGINE_UNAVAILABLE: DOCTOR,
  CONFIG_UNUSABLE: DOCTOR,
  CHECKSUM_MISMATCH: VERIFY,
  EMBEDDING_FAILED: VERIFY,
  MODEL_REJECTED: VERIFY,
  DISK_FULL: SPACE,
  CACHE_LIMIT: SPACE,
  ORIGIN_NOT_ALLOWED: 'Run "tabagent install --extension-id ID" to allow the extension.',
};

/** Returns what to do on the command line about an error; undefined if its message says all there is. */
export function remedyFor({ code, details }: HostError): string | undefined {
  // Remote engines have their own keys.
  if (code === 'UNAUTHORIZED' && details?.engine !== undefined) {
    return `Run "tabagent call set_remote_key '{"engine": "NAME", "key": "KEY"}'" to save its API key.`;
  }
  return REMEDIES[code];
}
