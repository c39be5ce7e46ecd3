import type { ErrorCode } from '../protocol/errors.ts';

/** Exit codes of every command, with what each means. They are stable: scripts branch on them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notFound: 3, hub: 4, noRoom: 5, interrupted: 130 } as const;

/** The same, in the words of help and the man page. */
export const EXIT_MEANINGS: Readonly<Record<number, string>> = {
  [EXIT.ok]: 'done',
  [EXIT.failed]: 'failed; the message says why',
  [EXIT.usage]: 'typed wrong',
  [EXIT.notFound]: 'there is no such model, file or download',
  [EXIT.hub]: 'the hub could not be reached or refused',
  [EXIT.noRoom]: 'not enough disk space or memory',
  [EXIT.interrupted]: 'interrupted (Ctrl-C)',
};

const BY_ERROR: Partial<Record<ErrorCode, number>> = {
  INVALID_REQUEST: EXIT.usage,
  INVALID_JSON: EXIT.usage,
  UNKNOWN_ACTION: EXIT.usage,

  MODEL_NOT_LOADED: EXIT.notFound,
  MODEL_NOT_DOWNLOADED: EXIT.notFound,
  REPO_NOT_FOUND: EXIT.notFound,
  REVISION_NOT_FOUND: EXIT.notFound,
  FILE_NOT_FOUND: EXIT.notFound,
  DOWNLOAD_NOT_FOUND: EXIT.notFound,

  GATED_REPO: EXIT.hub,
  UNAUTHORIZED: EXIT.hub,
  RATE_LIMITED: EXIT.hub,
  HUB_UNREACHABLE: EXIT.hub,
  HUB_ERROR: EXIT.hub,
  REDIRECT_REFUSED: EXIT.hub,
  OFFLINE: EXIT.hub,

  DISK_FULL: EXIT.noRoom,
  INSUFFICIENT_MEMORY: EXIT.noRoom,

  ABORTED: EXIT.interrupted,
};

/** The exit code that tells scripts of this error. */
export function exitCodeOf(code: ErrorCode): number {
  return BY_ERROR[code] ?? EXIT.failed;
}
