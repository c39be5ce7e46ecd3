import type { IncomingHttpHeaders } from 'node:http';
import type { ModelName, RepoName } from '../protocol/model-name.ts';
import { HubFault } from './hub-fault.ts';
import { retryAfter } from './retry-after.ts';

/** The longest pause a hub's `Retry-After` is granted, milliseconds: a user looks at a progress bar meanwhile. */
const MAX_RETRY_AFTER_MS = 60_000;

/** What was asked for, to name it in an error. */
export interface Subject {
  readonly name: ModelName;
  readonly file: string;
  /** The hub's address, without a trailing slash. */
  readonly endpoint: string;
}

/**
 * Makes an error of a hub's refusal. `X-Error-Code` is what the hub itself says; the status alone decides where it says
 * nothing. Source: huggingface_hub's `hf_raise_for_status`.
 */
export function refusal(status: number, headers: IncomingHttpHeaders, subject: Subject): HubFault {
  const { name, file, endpoint } = subject;
  const page = `${endpoint}/${name.repoId}`;
  const details = { repoId: name.repoId, fileName: file, revision: name.revision, status };
  switch (headers['x-error-code']) {
    case 'GatedRepo':
      return new HubFault(
        'GATED_REPO',
        `${name.repoId} is gated: its terms must be accepted first. Request access at ${page}, then add an access token of your account.`,
        { details: { ...details, accessPage: page } },
      );
    case 'RepoNotFound':
      return new HubFault(
        'REPO_NOT_FOUND',
        `Repository ${name.repoId} does not exist or is private. Check the name, or add an access token that can read it.`,
        { details },
      );
    case 'RevisionNotFound':
      return new HubFault('REVISION_NOT_FOUND', `${name.repoId} has no revision "${name.revision}".`, { details });
    case 'EntryNotFound':
      return fileNotFound(subject, details);
  }
  if (status === 401 || status === 403) {
    return new HubFault('UNAUTHORIZED', `Access to ${name.repoId} was denied. Add an access token that can read it.`, {
      details,
    });
  }
  if (status === 404 || status === 410) return fileNotFound(subject, details);
  if (status === 429) {
    return comeBackLater('RATE_LIMITED', 'The Hugging Face Hub is limiting requests.', headers, details);
  }
  const said = `The Hugging Face Hub could not provide ${name.repoId}/${file} (status ${status}).`;
  if (status >= 500 || status === 408) return comeBackLater('HUB_ERROR', said, headers, details);
  return new HubFault('HUB_ERROR', said, { details });
}

/** The same of a question about a whole repository: where the hub does not say what it has not, it is that. */
export function refusalOfRepo(
  { status, headers }: { status: number; headers: IncomingHttpHeaders },
  repo: RepoName,
  endpoint: string,
): HubFault {
  const code = headers['x-error-code'] ?? (status === 404 || status === 410 ? 'RepoNotFound' : undefined);
  const subject = { name: { ...repo, file: '', id: repo.repoId }, file: '', endpoint };
  return refusal(status, code === undefined ? headers : { ...headers, 'x-error-code': code }, subject);
}

/** The same of a search, which is about no repository. */
export function refusalOfSearch({ status, headers }: { status: number; headers: IncomingHttpHeaders }): HubFault {
  const details = { status };
  if (status === 429) {
    return comeBackLater('RATE_LIMITED', 'The Hugging Face Hub is limiting requests.', headers, details);
  }
  const said = `The Hugging Face Hub could not run the search (status ${status}).`;
  if (status >= 500 || status === 408) return comeBackLater('HUB_ERROR', said, headers, details);
  if (status === 401) {
    return new HubFault('UNAUTHORIZED', `${said} The access token may be invalid or expired.`, { details });
  }
  return new HubFault('HUB_ERROR', said, { details });
}

/** A refusal for now. Where the hub names a time longer than anybody waits for, it is told at once instead. */
function comeBackLater(
  code: 'RATE_LIMITED' | 'HUB_ERROR',
  said: string,
  headers: IncomingHttpHeaders,
  details: Record<string, unknown>,
): HubFault {
  const retryAfterMs = retryAfter(headers);
  if (retryAfterMs === undefined || retryAfterMs <= MAX_RETRY_AFTER_MS) {
    return new HubFault(code, `${said} Try again later.`, { transient: true, retryAfterMs, details });
  }
  const retryAfterSeconds = Math.ceil(retryAfterMs / 1000);
  return new HubFault(code, `${said} Try again in ${retryAfterSeconds} seconds.`, {
    details: { ...details, retryAfterSeconds },
  });
}

function fileNotFound({ name, file }: Subject, details: Record<string, unknown>): HubFault {
  return new HubFault('FILE_NOT_FOUND', `${name.repoId} has no file ${file} at revision "${name.revision}".`, {
    details,
  });
}
