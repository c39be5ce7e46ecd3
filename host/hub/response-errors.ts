import type { IncomingHttpHeaders } from 'node:http';
import type { ModelName, RepoName } from '../protocol/model-name.ts';
import { HubError } from './hub-error.ts';
import { retryAfter } from './retry.ts';

/** Longest `Retry-After` that is waited for, milliseconds: a user is looking at a progress bar. */
const MAX_RETRY_AFTER_MS = 60_000;

/** The file that was requested, for error messages. */
export interface RequestedFile {
  readonly name: ModelName;
  readonly file: string;
  /** The hub's URL, without a trailing slash. */
  readonly endpoint: string;
}

/**
 * Converts an error response of a hub to an error. `X-Error-Code` is the hub's own reason; without it, the status
 * decides. Source: huggingface_hub's `hf_raise_for_status`.
 */
export function responseError(status: number, headers: IncomingHttpHeaders, subject: RequestedFile): HubError {
  const { name, file, endpoint } = subject;
  const page = `${endpoint}/${name.repoId}`;
  const details = { repoId: name.repoId, fileName: file, revision: name.revision, status };
  switch (headers['x-error-code']) {
    case 'GatedRepo':
      return new HubError(
        'GATED_REPO',
        `${name.repoId} is gated: its terms must be accepted first. Request access at ${page}, then add an access token of your account.`,
        { details: { ...details, accessPage: page } },
      );
    case 'RepoNotFound':
      return new HubError(
        'REPO_NOT_FOUND',
        `Repository ${name.repoId} does not exist or is private. Check the name, or add an access token that can read it.`,
        { details },
      );
    case 'RevisionNotFound':
      return new HubError('REVISION_NOT_FOUND', `${name.repoId} has no revision "${name.revision}".`, { details });
    case 'EntryNotFound':
      return fileNotFound(subject, details);
  }
  if (status === 401 || status === 403) {
    return new HubError('UNAUTHORIZED', `Access to ${name.repoId} was denied. Add an access token that can read it.`, {
      details,
    });
  }
  if (status === 404 || status === 410) return fileNotFound(subject, details);
  if (status === 429) {
    return temporaryError('RATE_LIMITED', 'The Hugging Face Hub is limiting requests.', headers, details);
  }
  const message = `The Hugging Face Hub could not provide ${name.repoId}/${file} (status ${status}).`;
  if (status >= 500 || status === 408) return temporaryError('HUB_ERROR', message, headers, details);
  return new HubError('HUB_ERROR', message, { details });
}

/**
 * Converts an error response to a request about a whole repository. A 404 without a reason means that the repository
 * does not exist.
 */
export function repoError(
  { status, headers }: { status: number; headers: IncomingHttpHeaders },
  repo: RepoName,
  endpoint: string,
): HubError {
  const code = headers['x-error-code'] ?? (status === 404 || status === 410 ? 'RepoNotFound' : undefined);
  const subject = { name: { ...repo, file: '', id: repo.repoId }, file: '', endpoint };
  return responseError(status, code === undefined ? headers : { ...headers, 'x-error-code': code }, subject);
}

/** Converts an error response to a search, which concerns no repository. */
export function searchError({ status, headers }: { status: number; headers: IncomingHttpHeaders }): HubError {
  const details = { status };
  if (status === 429) {
    return temporaryError('RATE_LIMITED', 'The Hugging Face Hub is limiting requests.', headers, details);
  }
  const message = `The Hugging Face Hub could not run the search (status ${status}).`;
  if (status >= 500 || status === 408) return temporaryError('HUB_ERROR', message, headers, details);
  if (status === 401) {
    return new HubError('UNAUTHORIZED', `${message} The access token may be invalid or expired.`, { details });
  }
  return new HubError('HUB_ERROR', message, { details });
}

/** A temporary error. If the hub asks to wait for too long, the error is final and says when to try again. */
function temporaryError(
  code: 'RATE_LIMITED' | 'HUB_ERROR',
  message: string,
  headers: IncomingHttpHeaders,
  details: Record<string, unknown>,
): HubError {
  const retryAfterMs = retryAfter(headers);
  if (retryAfterMs === undefined || retryAfterMs <= MAX_RETRY_AFTER_MS) {
    return new HubError(code, `${message} Try again later.`, { transient: true, retryAfterMs, details });
  }
  const retryAfterSeconds = Math.ceil(retryAfterMs / 1000);
  return new HubError(code, `${message} Try again in ${retryAfterSeconds} seconds.`, {
    details: { ...details, retryAfterSeconds },
  });
}

function fileNotFound({ name, file }: RequestedFile, details: Record<string, unknown>): HubError {
  return new HubError('FILE_NOT_FOUND', `${name.repoId} has no file ${file} at revision "${name.revision}".`, {
    details,
  });
}
