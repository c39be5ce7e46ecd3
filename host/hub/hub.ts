import { defined } from '../common/defined.ts';
import type { ByteSource } from '../gguf/model.ts';
import { DEFAULT_REVISION, type ModelName, type RepoName } from '../protocol/model-name.ts';
import { commitDate } from './commit-date.ts';
import { fileMetadata, isStrong } from './file-info.ts';
import type { FollowedResponse } from './follow.ts';
import { HubError, isTransient, noAnswer } from './hub-error.ts';
import { HubRequests, type HubRequestsOptions } from './hub-requests.ts';
import { type ListedFile, listedFile } from './listed-file.ts';
import { nextPage } from './next-page.ts';
import { rangeRefused, readRange } from './range-response.ts';
import { unexpected } from './read-json.ts';
import { HUB_REASONS } from './refusal.ts';
import { RemoteSource } from './remote-source.ts';
import { MAX_FILES, type RepoFile, readRepoFiles } from './repo-files.ts';
import { quotedReason, repoError, responseError, searchError } from './response-errors.ts';
import { isRequestedPause, type RetryLimits, type RetryOptions, type RetryPause, retry } from './retry.ts';
import { readSearchPage, type SearchPage, type SearchQuery, searchPath } from './search.ts';
import type { RejectedToken } from './token.ts';
import type { ByteRange, HubClient, RangeStream, RemoteFile } from './types.ts';

/** Options for {@link Hub}. */
export interface HubOptions extends HubRequestsOptions {
  readonly limits: HubRequestsOptions['limits'] & RetryLimits;
}

/** Options for a request to the hub. */
export interface HubRequestOptions {
  readonly signal?: AbortSignal;
  /**
   * Called before each pause between two attempts, and with undefined after it. If set, longer pauses requested by a
   * server are accepted.
   */
  readonly onPause?: (pause: RetryPause | undefined) => void;
}

/**
 * Time limit for the response to a `HEAD` request, in milliseconds. Some servers never answer it; a `GET` request for
 * one byte returns the same headers.
 */
const HEAD_TIMEOUT_MS = 5_000;

/** Requests for a file's headers, tried in order until one succeeds. Some mirrors support neither `HEAD` nor ranges. */
const PROBES = [
  { method: 'HEAD', headers: {} },
  { method: 'GET', headers: { range: 'bytes=0-0' } },
  { method: 'GET', headers: {} },
] as const;

/** Time limit for requesting the date of a file's last change, in milliseconds. */
const DATE_TIMEOUT_MS = 3_000;

/** Maximum number of pages of a listing. The hub's pages have 1,000 entries. */
const MAX_PAGES = 100;

/** A request for bytes of a file. */
type BytesRequest = Omit<Parameters<HubRequests['send']>[1], 'stayOnHost' | 'publicOnly'>;

/** An address with the bytes of a file, which is usually signed and valid for some time. */
interface Source extends Required<Pick<FollowedResponse, 'url' | 'hubHeaders' | 'publicOnly'>> {}

/** Statuses of an address that is no longer valid. */
const GONE: ReadonlySet<number> = new Set([400, 401, 403, 404, 410]);

/** Statuses with which servers reject a range, although they would send the whole file. */
const RANGE_REFUSALS: ReadonlySet<number> = new Set([400, 403, 405, 416, 501]);

/** Returns whether a response to a request for a range may mean that only the whole file is sent. */
function mayRefuseRange({ status, headers }: FollowedResponse): boolean {
  if (headers['x-error-code'] !== undefined) return false;
  // 403 more often means that the address has expired. A success without a body is none.
  return (status > 200 && status < 300) || (status !== 403 && RANGE_REFUSALS.has(status));
}

/** Client of the Hugging Face Hub or a compatible server: metadata, listings, search, and the bytes of files. */
export class Hub implements HubClient {
  readonly #options: HubOptions;
  readonly #requests: HubRequests;
  /** Files whose commit, as sent by the hub, is not accepted as a revision. Some mirrors behave like this. */
  readonly #withoutCommit = new WeakSet<RemoteFile>();
  /** The URLs of earlier redirects, by file. The hub limits requests; the servers with the bytes rarely do. */
  readonly #sources = new WeakMap<RemoteFile, Source>();
  /** Whether the server rejected a `HEAD` request but answered a `GET` request for the same file. */
  #refusesHead = false;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#requests = new HubRequests(options);
  }

  /** The current access token, if the hub rejected it. */
  get rejectedToken(): RejectedToken | undefined {
    return this.#requests.rejectedToken;
  }

  /** Resets {@link rejectedToken}, because another token was saved. */
  forgetRejectedToken(): void {
    this.#requests.forgetRejectedToken();
  }

  /** @throws HostError the hub's error, `CHECKSUM_MISSING`, `HUB_UNREACHABLE` or `OFFLINE`. */
  fileInfo(name: ModelName, file: string, options: HubRequestOptions): Promise<RemoteFile> {
    return this.#askWithRetries((signal) => this.#requestFileInfo(name, file, signal), options);
  }

  async openRange(
    remote: RemoteFile,
    range: ByteRange | undefined,
    { signal }: { signal?: AbortSignal },
  ): Promise<RangeStream> {
    const headers = range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}` };
    const request = { method: 'GET', headers, signal, isBulk: true } as const;
    const response = (await this.#openKnown(remote, request)) ?? (await this.#openThroughHub(remote, request));
    try {
      if (response.status !== 206 && range !== undefined && mayRefuseRange(response))
        throw rangeRefused(response, remote);
      await this.#assertFound(response, remote, signal);
      return readRange(response, remote, range, signal);
    } catch (error) {
      response.body.destroy();
      // The server sent something else. The next attempt asks the hub again, which may redirect to a better server.
      if (response.status === 200 || response.status === 206) this.#sources.delete(remote);
      throw error;
    }
  }

  /** Requests bytes from the URL of an earlier redirect. Returns undefined if that is no longer valid. */
  async #openKnown(remote: RemoteFile, request: BytesRequest): Promise<FollowedResponse | undefined> {
    const source = this.#sources.get(remote);
    if (source === undefined) return undefined;
    const { url, hubHeaders, publicOnly } = source;
    try {
      const response = await this.#requests.send(url, { ...request, publicOnly });
      if (!GONE.has(response.status)) return { ...response, hubHeaders };
      response.body.destroy();
    } catch (error) {
      request.signal?.throwIfAborted();
      if (!isTransient(error)) throw error;
    }
    this.#sources.delete(remote);
    return undefined;
  }

  async #openThroughHub(remote: RemoteFile, request: BytesRequest): Promise<FollowedResponse> {
    const { name, file, commit } = remote;
    const open = (revision: string) => this.#requests.send(this.#fileUrl(name, file, revision), request);
    const pinned = this.#withoutCommit.has(remote) ? null : commit;
    let response = await open(pinned ?? name.revision);
    if (pinned !== null && response.status === 404 && response.hubHeaders === undefined) {
      response.body.destroy();
      this.#withoutCommit.add(remote);
      response = await open(name.revision);
    }
    const { status, url, hubHeaders, publicOnly = false } = response;
    const isFile = status === 200 || status === 206;
    // The bytes of a commit do not change; for those of a branch, the hub says each time whether they have.
    const isFixed = pinned !== null && !this.#withoutCommit.has(remote);
    if (hubHeaders !== undefined && isFile && isFixed) this.#sources.set(remote, { url, hubHeaders, publicOnly });
    return response;
  }

  async byteSource(name: ModelName, file: string, { signal }: { signal?: AbortSignal }): Promise<ByteSource> {
    const remote = await this.fileInfo(name, file, defined({ signal }));
    return new RemoteSource(remote, {
      open: (range, options) => this.openRange(remote, range, options),
      withRetries: (work, signal) => this.#withRetries(work, defined({ signal })),
    });
  }

  /**
   * Returns the first bytes of a file. Sends one request without retries: for information that is not essential.
   *
   * @param length Maximum number of bytes to read, regardless of what the hub sends.
   */
  async beginning(name: ModelName, length: number, { signal }: { signal?: AbortSignal }): Promise<Uint8Array> {
    const response = await this.#requests.send(this.#fileUrl(name, name.file, name.revision), {
      method: 'GET',
      headers: { range: `bytes=0-${length - 1}` },
      signal,
    });
    try {
      const { status, body } = response;
      if (status !== 200 && status !== 206) {
        const file = this.#requestedFile(name, name.file);
        throw await this.#requests.refusal(response, signal, (refusal) => responseError(refusal, file));
      }
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of body) {
        chunks.push(Buffer.from(chunk));
        bytes += chunk.length;
        if (bytes >= length) break;
      }
      return Buffer.concat(chunks).subarray(0, length);
    } finally {
      response.body.destroy();
    }
  }

  /** Lists the files of a repository, except those with invalid names. Throws the hub's error. */
  repoFiles(repo: RepoName, options: HubRequestOptions): Promise<RepoFile[]> {
    return this.#askWithRetries((signal) => this.#requestRepoFiles(repo, signal), options);
  }

  /**
   * Returns when a file was last changed, Unix seconds; undefined if the hub does not say so in time. Asked once: for
   * information that is not essential.
   */
  async changedAt(name: ModelName, file: string, { signal }: { signal: AbortSignal }): Promise<number | undefined> {
    const { endpoint, log } = this.#options;
    const folder = file.includes('/') ? `/${encodePath(file.slice(0, file.lastIndexOf('/')))}` : '';
    const tree = `/tree/${encodeURIComponent(name.revision)}${folder}?expand=true`;
    const url = new URL(`${endpoint}/api/models/${encodePath(name.repoId)}${tree}`);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(DATE_TIMEOUT_MS)]);
    try {
      const first = await this.#requests.send(url, { method: 'GET', headers: {}, signal: limit });
      if (first.status !== 200) {
        first.body.destroy();
        return undefined;
      }
      for await (const page of this.#pages(url, first, limit)) {
        const date = await commitDate(page, file, limit);
        if (date !== undefined) return date;
      }
    } catch (error) {
      signal.throwIfAborted();
      log.info('hub.date-unknown', { id: name.id, error });
    }
    return undefined;
  }

  /** Searches for repositories with GGUF files. */
  search(query: SearchQuery, options: HubRequestOptions): Promise<SearchPage> {
    return this.#askWithRetries(async (signal) => {
      const url = new URL(`${this.#options.endpoint}${searchPath(query)}`);
      const response = await this.#requests.send(url, { method: 'GET', headers: {}, signal });
      if (response.status === 200) return readSearchPage(response, query.limit, signal);
      throw await this.#requests.refusal(response, signal, (refusal) => searchError(refusal));
    }, options);
  }

  /** Requests the model's page, which lists all files at once, or the tree if a mirror does not support the page. */
  async #requestRepoFiles(repo: RepoName, signal: AbortSignal | undefined): Promise<RepoFile[]> {
    let error: HubError | undefined;
    for (const listing of listingsOf(repo)) {
      const url = new URL(`${this.#options.endpoint}/api/models/${encodePath(repo.repoId)}${listing}`);
      const response = await this.#requests.send(url, { method: 'GET', headers: {}, signal });
      if (response.status === 200) {
        const files: RepoFile[] = [];
        for await (const page of this.#pages(url, response, signal)) {
          files.push(...(await readRepoFiles(page, repo, signal)));
          if (files.length > MAX_FILES) throw unexpected(url, `at most ${MAX_FILES} files`, `${files.length}`);
        }
        return files;
      }
      error = await this.#requests.refusal(response, signal, (refusal) =>
        repoError(refusal, repo, this.#options.endpoint),
      );
      // If the hub gives a reason, it applies to the other listing as well.
      if (error.transient || response.headers['x-error-code'] !== undefined) throw error;
    }
    throw error;
  }

  /**
   * Yields the pages of a listing, starting with `first`. Throws if a later page cannot be read: an incomplete listing
   * would be misleading.
   */
  async *#pages(url: URL, first: FollowedResponse, signal: AbortSignal | undefined): AsyncGenerator<FollowedResponse> {
    const sent = new Set<string>();
    let response = first;
    let next: URL | undefined = url;
    for (let page = 1; ; page += 1) {
      yield response;
      next = nextPage(next, response.headers.link);
      if (next === undefined) return;
      if (page >= MAX_PAGES) throw unexpected(url, `at most ${MAX_PAGES} pages`, 'more');
      if (sent.has(next.search)) throw unexpected(url, 'a list that ends', 'a page that was sent before');
      sent.add(next.search);
      response = await this.#requests.send(next, { method: 'GET', headers: {}, signal });
      if (response.status !== 200)
        throw await this.#requests.refusal(response, signal, (refusal) => searchError(refusal, 'send the whole list'));
    }
  }

  async #requestFileInfo(name: ModelName, file: string, signal: AbortSignal | undefined): Promise<RemoteFile> {
    const response = await this.#requestFileHeaders(name, file, signal);
    const facts = fileMetadata(response);
    const isPlain = isStrong(facts.checksum) && facts.size !== undefined;
    const listed = isPlain ? undefined : await this.#findInListings(name, file, signal);
    const checksum = isStrong(listed?.checksum) ? listed.checksum : (facts.checksum ?? listed?.checksum);
    const size = listed?.size ?? facts.size;
    if (checksum === undefined || size === undefined) throw checksumMissing(name, file);
    return { name, file, size, checksum, etag: facts.etag ?? checksum.hex, commit: facts.commit };
  }

  /** Requests a file's headers, without its bytes. */
  async #requestFileHeaders(name: ModelName, file: string, signal: AbortSignal | undefined): Promise<FollowedResponse> {
    const url = this.#fileUrl(name, file, name.revision);
    let found: FollowedResponse | undefined;
    let error: unknown;
    for (const { method, headers } of PROBES) {
      const isHead = method === 'HEAD';
      if (isHead && this.#refusesHead) continue;
      const timeout = isHead ? AbortSignal.timeout(HEAD_TIMEOUT_MS) : undefined;
      const either = timeout && signal ? AbortSignal.any([timeout, signal]) : (timeout ?? signal);
      try {
        const response = await this.#requests.send(url, { method, headers, signal: either, stayOnHost: true });
        if (isFound(response)) {
          response.body.destroy();
          this.#refusesHead ||= !isHead && found === undefined && error !== undefined;
          // If the size is missing, the next request may return it; otherwise it is read from a listing.
          found ??= response;
          if (fileMetadata(response).size !== undefined) return response;
          continue;
        }
        if (found !== undefined) break;
        error = await this.#requests.refusal(response, signal, (refusal) =>
          responseError(refusal, this.#requestedFile(name, file)),
        );
        const isFinal = HUB_REASONS.has(response.headers['x-error-code']) || isRequestedPause(error);
        if (isFinal || response.status === 429 || !(isHead || RANGE_REFUSALS.has(response.status))) throw error;
      } catch (failure) {
        signal?.throwIfAborted();
        if (failure === error || !(timeout?.aborted === true || isInterrupted(failure))) throw failure;
        error = failure;
      }
    }
    if (found !== undefined) return found;
    throw error;
  }

  /**
   * Returns a file's entry in the repository's listings: the tree, or the model's page if a mirror does not support the
   * tree.
   */
  async #findInListings(
    name: ModelName,
    file: string,
    signal: AbortSignal | undefined,
  ): Promise<ListedFile | undefined> {
    for (const listing of listingsOf(name).toReversed()) {
      const url = new URL(`${this.#options.endpoint}/api/models/${encodePath(name.repoId)}${listing}`);
      const response = await this.#requests.send(url, { method: 'GET', headers: {}, signal });
      if (response.status === 200) {
        for await (const page of this.#pages(url, response, signal)) {
          const found = await listedFile(page, file, signal);
          if (found?.checksum !== undefined) return found;
        }
        continue;
      }
      const error = await this.#requests.refusal(response, signal, (refusal) =>
        responseError(refusal, this.#requestedFile(name, file)),
      );
      if (isTransient(error)) throw error;
    }
    return undefined;
  }

  async #assertFound(response: FollowedResponse, remote: RemoteFile, signal: AbortSignal | undefined): Promise<void> {
    const { status, headers, url, hubHeaders } = response;
    if (status === 206 || status === 200) return;
    // If the target of the hub's redirect denies access, the signed URL has expired. The next attempt requests a new
    // one from the hub.
    const isRedirected = hubHeaders !== undefined && headers['x-error-code'] === undefined;
    const isExpired = isRedirected && (status === 401 || status === 403 || status === 404 || status === 410);
    throw await this.#requests.refusal(response, signal, (refusal) => {
      if (!isExpired) return responseError(refusal, this.#requestedFile(remote.name, remote.file));
      return new HubError(
        'HUB_ERROR',
        `${url.origin} rejected the download address for ${remote.file} (status ${status}).${quotedReason(refusal)}`,
        { transient: true, retryAfterMs: refusal.waitMs, details: { host: url.host, status } },
      );
    });
  }

  /** Asks about a repository or a file: the hub has a limited time for all attempts. */
  #askWithRetries<T>(ask: (signal: AbortSignal | undefined) => Promise<T>, options: HubRequestOptions): Promise<T> {
    const { limits, endpoint } = this.#options;
    const error = (ms: number) => noAnswer(endpoint, ms);
    return this.#withRetries(ask, { ...options, limit: { ms: limits.answerTimeoutMs, error } });
  }

  #withRetries<T>(
    work: (signal: AbortSignal | undefined) => Promise<T>,
    options: HubRequestOptions & Pick<RetryOptions, 'limit'>,
  ): Promise<T> {
    return retry(work, this.#options.limits, {
      ...options,
      onRetry: (error, attempt) => this.#options.log.warn('hub.retry', { attempt, error }),
    });
  }

  #requestedFile(name: ModelName, file: string) {
    return { name, file, endpoint: this.#options.endpoint };
  }

  #fileUrl(name: ModelName, file: string, revision: string): URL {
    const { endpoint } = this.#options;
    return new URL(
      `${endpoint}/${encodePath(name.repoId)}/resolve/${encodeURIComponent(revision)}/${encodePath(file)}`,
    );
  }
}

/** Returns the paths of a repository's two listings: the model's page and the tree. */
function listingsOf({ revision }: RepoName | ModelName): readonly string[] {
  const encoded = encodeURIComponent(revision);
  const page = revision === DEFAULT_REVISION ? '' : `/revision/${encoded}`;
  return [`${page}?blobs=true`, `/tree/${encoded}?recursive=true`];
}

function isFound({ status }: FollowedResponse): boolean {
  return status >= 200 && status <= 399;
}

/** Returns whether the server was reached but did not send a valid response. */
function isInterrupted(error: unknown): boolean {
  const cause = isTransient(error) ? error.details?.cause : undefined;
  return (
    typeof cause === 'string' &&
    !['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(cause)
  );
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function checksumMissing(name: ModelName, file: string): HubError {
  return new HubError(
    'CHECKSUM_MISSING',
    `The Hugging Face Hub provides no checksum or size for ${name.repoId}/${file}, so the file cannot be verified and was not downloaded.`,
    { details: { repoId: name.repoId, fileName: file, expected: 'X-Linked-Etag or ETag with a SHA-256' } },
  );
}
