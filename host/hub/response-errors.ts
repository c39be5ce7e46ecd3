import { defined } from '../common/defined.ts';
import type { ModelName, RepoName } from '../protocol/model-name.ts';
import { HubError } from './hub-error.ts';
import type { Refusal } from './refusal.ts';
import { MAX_WAIT_MS } from './retry.ts';

/** The file that was requested, for error messages. */
export interface RequestedFile {
  readonly name: ModelName;
  readonly file: string;
  /** The hub's URL, without a trailing slash. */
  readonly endpoint: string;
}

/**
 * Converts an error response of a hub to an error that contains the hub's reason. `X-Error-Code` determines the error
 * code, otherwise the status does. Source: huggingface_hub's `hf_raise_for_status`.
 */
export function responseError(refusal: Refusal, subject: RequestedFile): HubError {
  const { name, file, endpoint } = subject;
  const { status, code } = refusal;
  const page = `${endpoint}/${name.repoId}`;
  const details = { repoId: name.repoId, fileName: file, revision: name.revision, ...detailsOf(refusal) };
  switch (code) {
    case 'GatedRepo':
      return new HubError(
        'GATED_REPO',
        `${name.repoId} is gated: its terms must be accepted first. Request access at ${page}, then add an access token of your account.${quotedReason(refusal)}`,
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
    const remedy = 'Add an access token that can read it.';
    return new HubError('UNAUTHORIZED', `Access to ${name.repoId} was denied. ${remedy}${quotedReason(refusal)}`, {
      details,
    });
  }
  if (status === 404 || status === 410) return fileNotFound(subject, details);
  return otherError(
    `The Hugging Face Hub could not provide ${name.repoId}/${file} (status ${status}).`,
    refusal,
    details,
  );
}

/**
 * Converts an error response to a request about a whole repository. A 404 that names no other reason means that it
 * does not exist.
 */
export function repoError(refusal: Refusal, repo: RepoName, endpoint: string): HubError {
  const { status } = refusal;
  const isMissing = status === 404 || status === 410;
  const isWithoutReason = refusal.code === undefined || refusal.code === 'EntryNotFound';
  const code = isMissing && isWithoutReason ? 'RepoNotFound' : refusal.code;
  return responseError({ ...refusal, code }, { name: { ...repo, file: '', id: repo.repoId }, file: '', endpoint });
}

/** Converts an error response to a search, or to a request for a page of a listing. */
export function searchError(refusal: Refusal, what = 'run the search'): HubError {
  const { status } = refusal;
  const message = `The Hugging Face Hub could not ${what} (status ${status}).`;
  const details = detailsOf(refusal);
  if (status !== 401 && status !== 403) return otherError(message, refusal, details);
  return new HubError(
    'UNAUTHORIZED',
    `${message} The access token may be invalid or expired.${quotedReason(refusal)}`,
    {
      details,
    },
  );
}

/**
 * Returns an error without a specific reason. It is transient for 408, 429 and 5xx, unless the hub asks to wait too
 * long.
 */
function otherError(message: string, refusal: Refusal, details: Record<string, unknown>): HubError {
  const { status, waitMs } = refusal;
  if (status !== 429 && status < 500 && status !== 408) {
    return new HubError('HUB_ERROR', `${message}${quotedReason(refusal)}`, { details });
  }
  const [code, what] =
    status === 429
      ? (['RATE_LIMITED', 'The Hugging Face Hub is limiting requests.'] as const)
      : (['HUB_ERROR', message] as const);
  const seconds = waitMs === undefined ? undefined : Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(waitMs / 1000));
  const when = seconds === undefined || seconds === 0 ? 'later' : `in ${seconds} seconds`;
  return new HubError(code, `${what} Try again ${when}.${quotedReason(refusal)}`, {
    transient: waitMs === undefined || waitMs <= MAX_WAIT_MS,
    retryAfterMs: waitMs,
    details: { ...details, ...defined({ retryAfterSeconds: seconds }) },
  });
}

/** Returns the server's reason as a sentence to append to a message. */
export function quotedReason({ reason }: Refusal): string {
  return reason === undefined ? '' : ` The server said: "${reason}"`;
}

function detailsOf({ status, code, reason }: Refusal): Record<string, unknown> {
  return { status, ...defined({ hubCode: code, hubMessage: reason }) };
}

function fileNotFound({ name, file }: RequestedFile, details: Record<string, unknown>): HubError {
  return new HubError('FILE_NOT_FOUND', `${name.repoId} has no file ${file} at revision "${name.revision}".`, {
    details,
  });
}
