import { defined } from '../common/defined.ts';
import { HostError, isHostError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { HostLimits } from '../config.ts';
import type { ByteSource } from '../gguf/model.ts';
import { DEFAULT_REVISION, type ModelName, type RepoName } from '../protocol/model-name.ts';
import { fileMetadata, isStrong } from './file-info.ts';
import { type FollowRequest, follow } from './follow.ts';
import { HttpClient, type HttpResponse } from './http.ts';
import { HubError, isTransient } from './hub-error.ts';
import { type ListedFile, listedFile } from './listed-file.ts';
import { ProxyRoutes } from './proxy.ts';
import { readRange, remoteChanged } from './range-response.ts';
import { RemoteSource } from './remote-source.ts';
import { type RepoFile, readRepoFiles } from './repo-files.ts';
import { repoError, responseError, searchError } from './response-errors.ts';
import { retry } from './retry.ts';
import { readSearchPage, type SearchPage, type SearchQuery, searchPath } from './search.ts';
import { allowsToken, findToken, type SavedToken } from './token.ts';
import type { ByteRange, HubClient, RangeStream, RemoteFile } from './types.ts';

/** Options for {@link Hub}. */
export interface HubOptions {
  /** The hub's URL, without a trailing slash. */
  readonly endpoint: string;
  /** Environment variables: tokens, proxies and `HF_HUB_OFFLINE`. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Returns the access token that the user saved in this host, if any. */
  readonly savedToken?: SavedToken;
  readonly limits: Pick<HostLimits, 'connectTimeoutMs' | 'stallTimeoutMs' | 'maxAttempts' | 'retryBaseMs'>;
  readonly log: Logger;
}

/** Client of the Hugging Face Hub or a compatible server: metadata, listings, search, and the bytes of files. */
export class Hub implements HubClient {
  readonly #options: HubOptions;
  readonly #http: HttpClient;
  readonly #origin: string;
  /** Files whose commit, as sent by the hub, it does not accept as a revision; some mirrors behave like that. */
  readonly #withoutCommit = new WeakSet<RemoteFile>();

  constructor(options: HubOptions) {
    const { limits, env, endpoint } = options;
    this.#options = options;
    this.#origin = new URL(endpoint).origin;
    this.#http = new HttpClient({
      timeoutMs: limits.connectTimeoutMs,
      stallMs: limits.stallTimeoutMs,
      proxies: new ProxyRoutes(env),
    });
  }

  /** @throws HostError the hub's error, `CHECKSUM_MISSING`, `HUB_UNREACHABLE` or `OFFLINE`. */
  fileInfo(name: ModelName, file: string, { signal }: { signal?: AbortSignal }): Promise<RemoteFile> {
    return this.#withRetries(() => this.#requestFileInfo(name, file, signal), signal);
  }

  async openRange(remote: RemoteFile, range: ByteRange, { signal }: { signal?: AbortSignal }): Promise<RangeStream> {
    const { name, file, commit } = remote;
    const open = (revision: string) =>
      this.#follow(this.#fileUrl(name, file, revision), {
        method: 'GET',
        headers: { range: `bytes=${range.start}-${range.end - 1}` },
        signal,
        isBulk: true,
      });
    const pinned = this.#withoutCommit.has(remote) ? null : commit;
    let response = await open(pinned ?? name.revision);
    if (pinned !== null && response.status === 404 && response.hubHeaders === undefined) {
      response.body.destroy();
      this.#withoutCommit.add(remote);
      response = await open(name.revision);
    }
    try {
      this.#assertFound(response, remote);
      return readRange(response, remote, range, signal);
    } catch (error) {
      response.body.destroy();
      throw error;
    }
  }

  async byteSource(name: ModelName, file: string, { signal }: { signal?: AbortSignal }): Promise<ByteSource> {
    const remote = await this.fileInfo(name, file, defined({ signal }));
    return new RemoteSource(remote, {
      open: (range, options) => this.openRange(remote, range, options),
      withRetries: (work, signal) => this.#withRetries(work, signal),
    });
  }

  /** Lists the files of a repository, without those with unusable names. Throws the hub's error. */
  repoFiles(repo: RepoName, { signal }: { signal?: AbortSignal }): Promise<RepoFile[]> {
    return this.#withRetries(() => this.#requestRepoFiles(repo, signal), signal);
  }

  /** Searches for repositories with GGUF files. */
  search(query: SearchQuery, { signal }: { signal?: AbortSignal }): Promise<SearchPage> {
    return this.#withRetries(async () => {
      const url = new URL(`${this.#options.endpoint}${searchPath(query)}`);
      const response = await this.#follow(url, { method: 'GET', headers: {}, signal });
      if (response.status === 200) return readSearchPage(response, query.limit, signal);
      response.body.destroy();
      throw searchError(response);
    }, signal);
  }

  /** Requests the model's page, which lists all files at once, or the tree if a mirror does not have the page. */
  async #requestRepoFiles(repo: RepoName, signal: AbortSignal | undefined): Promise<RepoFile[]> {
    let error: HubError | undefined;
    for (const listing of listingsOf(repo)) {
      const url = new URL(`${this.#options.endpoint}/api/models/${encodePath(repo.repoId)}${listing}`);
      const response = await this.#follow(url, { method: 'GET', headers: {}, signal });
      if (response.status === 200) return readRepoFiles(response, repo, signal);
      response.body.destroy();
      error = repoError(response, repo, this.#options.endpoint);
      // A reason given by the hub applies to the other listing too.
      if (error.transient || response.headers['x-error-code'] !== undefined) throw error;
    }
    throw error;
  }

  async #requestFileInfo(name: ModelName, file: string, signal: AbortSignal | undefined): Promise<RemoteFile> {
    const url = this.#fileUrl(name, file, name.revision);
    let response = await this.#follow(url, { method: 'HEAD', headers: {}, signal, stayOnHost: true });
    response.body.destroy();
    // Some mirrors do not support HEAD or do not send the size in response to it.
    if (
      response.status === 405 ||
      response.status === 501 ||
      (isFound(response) && fileMetadata(response).size === undefined)
    ) {
      response = await this.#follow(url, { method: 'GET', headers: { range: 'bytes=0-0' }, signal, stayOnHost: true });
      response.body.destroy();
    }
    if (!isFound(response)) throw responseError(response.status, response.headers, this.#requestedFile(name, file));

    const facts = fileMetadata(response);
    const isPlain = isStrong(facts.checksum) && facts.size !== undefined;
    const listed = isPlain ? undefined : await this.#findInListings(name, file, signal);
    const checksum = isStrong(listed?.checksum) ? listed.checksum : (facts.checksum ?? listed?.checksum);
    const size = listed?.size ?? facts.size;
    if (checksum === undefined || size === undefined) throw checksumMissing(name, file);
    return { name, file, size, checksum, etag: facts.etag ?? checksum.hex, commit: facts.commit };
  }

  /**
   * Returns a file's entry in the repository's listings: the tree, or the model's page if a mirror does not have the
   * tree.
   */
  async #findInListings(
    name: ModelName,
    file: string,
    signal: AbortSignal | undefined,
  ): Promise<ListedFile | undefined> {
    for (const listing of listingsOf(name).toReversed()) {
      const url = new URL(`${this.#options.endpoint}/api/models/${encodePath(name.repoId)}${listing}`);
      const response = await this.#follow(url, { method: 'GET', headers: {}, signal });
      if (response.status === 200) {
        const found = await listedFile(response, file, signal);
        if (found?.checksum !== undefined) return found;
        continue;
      }
      response.body.destroy();
      const error = responseError(response.status, response.headers, this.#requestedFile(name, file));
      if (isTransient(error)) throw error;
    }
    return undefined;
  }

  #assertFound({ status, headers, url, hubHeaders }: HttpResponse, remote: RemoteFile): void {
    if (status === 206 || status === 200) return;
    if (status === 416) throw remoteChanged(remote, 'another size');
    // If the server that the hub redirected to denies access, the signed URL has expired: the next attempt requests a
    // new one from the hub.
    const isRedirected = hubHeaders !== undefined && headers['x-error-code'] === undefined;
    if (isRedirected && (status === 401 || status === 403 || status === 404 || status === 410)) {
      throw new HubError(
        'HUB_ERROR',
        `${url.origin} rejected the download address for ${remote.file} (status ${status}).`,
        {
          transient: true,
          details: { host: url.host, status },
        },
      );
    }
    throw responseError(status, headers, this.#requestedFile(remote.name, remote.file));
  }

  async #follow(url: URL, request: Omit<FollowRequest, 'url' | 'token' | 'tokenOrigin'>): Promise<HttpResponse> {
    const { env, savedToken } = this.#options;
    if (/^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? '')) {
      throw new HostError('OFFLINE', 'Offline mode is on (HF_HUB_OFFLINE is set). Unset it to download models.');
    }
    // Public files need no token, so one that cannot be read or sent must not prevent their download.
    let tokenError: HostError | undefined;
    let token = await findToken(env, savedToken).catch((error: unknown) => {
      if (!isHostError(error, 'KEYCHAIN_UNAVAILABLE')) throw error;
      tokenError = error;
      return undefined;
    });
    if (token !== undefined && !allowsToken(this.#options.endpoint, env)) {
      token = undefined;
      tokenError = tokenNotSent(this.#origin);
    }
    const response = await follow(this.#http, { ...request, url, token: token?.token, tokenOrigin: this.#origin });
    if (tokenError === undefined || (response.status !== 401 && response.status !== 403)) return response;
    response.body.destroy();
    throw tokenError;
  }

  #withRetries<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return retry(work, this.#options.limits, {
      signal,
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

/** Paths of the two listings that a hub offers of a repository: the model's page and the tree. */
function listingsOf({ revision }: RepoName | ModelName): readonly string[] {
  const encoded = encodeURIComponent(revision);
  const page = revision === DEFAULT_REVISION ? '' : `/revision/${encoded}`;
  return [`${page}?blobs=true`, `/tree/${encoded}?recursive=true`];
}

function isFound({ status }: HttpResponse): boolean {
  return status >= 200 && status <= 399;
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function tokenNotSent(origin: string): HostError {
  return new HostError(
    'UNAUTHORIZED',
    `${origin} requires an access token, which is not sent over plain HTTP because others could read it. Use an https address, or set TABAGENT_HUB_PLAIN_HTTP=1 to send it anyway.`,
    { details: { endpoint: origin } },
  );
}

function checksumMissing(name: ModelName, file: string): HubError {
  return new HubError(
    'CHECKSUM_MISSING',
    `The Hugging Face Hub provides no checksum or size for ${name.repoId}/${file}, so the file cannot be verified and was not downloaded.`,
    { details: { repoId: name.repoId, fileName: file, expected: 'X-Linked-Etag or ETag with a SHA-256' } },
  );
}
