import type { ErrorCode } from '../protocol/errors.ts';

/** Exit codes of all commands. They are stable, because scripts depend on them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notFound: 3, hub: 4, noSpace: 5, interrupted: 130 } as const;

/** The meaning of each exit code, for help and the man page. */
export const EXIT_MEANINGS: Readonly<Record<number, string>> = {
  [EXIT.ok]: 'success',
  [EXIT.failed]: 'failure; see the error message',
  [EXIT.usage]: 'invalid usage',
  [EXIT.notFound]: 'model, file, download or conversation not found',
  [EXIT.hub]: 'the Hugging Face Hub could not be reached, or refused the request',
  [EXIT.noSpace]: 'not enough disk space or memory',
  [EXIT.interrupted]: 'interrupted, for example by Ctrl-C',
};

const CODE_BY_ERROR: Partial<Record<ErrorCode, number>> = {
  INVALID_REQUEST: EXIT.usage,
  INVALID_JSON: EXIT.usage,
  UNKNOWN_ACTION: EXIT.usage,

  MODEL_NOT_LOADED: EXIT.notFound,
  MODEL_NOT_DOWNLOADED: EXIT.notFound,
  REPO_NOT_FOUND: EXIT.notFound,
  REVISION_NOT_FOUND: EXIT.notFound,
  FILE_NOT_FOUND: EXIT.notFound,
  DOWNLOAD_NOT_FOUND: EXIT.notFound,
  CONVERSATION_NOT_FOUND: EXIT.notFound,

  GATED_REPO: EXIT.hub,
  UNAUTHORIZED: EXIT.hub,
  RATE_LIMITED: EXIT.hub,
  HUB_UNREACHABLE: EXIT.hub,
  HUB_ERROR: EXIT.hub,
  REDIRECT_REFUSED: EXIT.hub,
  OFFLINE: EXIT.hub,

  DISK_FULL: EXIT.noSpace,
  FILE_TOO_LARGE: EXIT.noSpace,
  INSUFFICIENT_MEMORY: EXIT.noSpace,

  ABORTED: EXIT.interrupted,
};

/** Returns the exit code for an error. */
export function exitCodeOf(code: ErrorCode): number {
  return CODE_BY_ERROR[code] ?? EXIT.failed;
}
