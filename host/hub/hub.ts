import { defined } from '../common/defined.ts';
import { HostError, isHostError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { HostLimits } from '../config.ts';
import type { ByteSource } from '../gguf/model.ts';
import { DEFAULT_REVISION, type ModelName, type RepoName } from '../protocol/model-name.ts';
import { fileFacts, isStrong } from './file-info.ts';
import { type FollowRequest, follow } from './follow.ts';
import { HttpClient, type HttpResponse } from './http.ts';
import { HubFault, isTransient } from './hub-fault.ts';
import { type ListedFile, listedFile } from './listed-file.ts';
import { ProxyRoutes } from './proxy.ts';
import { changed, rangeAnswer } from './range-answer.ts';
import { refusal, refusalOfRepo, refusalOfSearch } from './refusals.ts';
import { RemoteSource } from './remote-source.ts';
import { type RepoFile, readRepoFiles } from './repo-files.ts';
import { retry } from './retry.ts';
import { readSearchPage, type SearchPage, type SearchQuery, searchPath } from './search.ts';
import { findToken, type KeptToken } from './token.ts';
import type { ByteRange, HubClient, RangeStream, RemoteFile } from './types.ts';

/** What a hub client is made with. */
export interface HubOptions {
  /** The hub's address, without a trailing slash. */
  readonly endpoint: string;
  /** Tokens, proxies and `HF_HUB_OFFLINE` are read from here. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The token the user gave this host, if any. */
  readonly keptToken?: KeptToken;
  readonly limits: Pick<HostLimits, 'connectTimeoutMs' | 'stallTimeoutMs' | 'maxAttempts' | 'retryBaseMs'>;
  readonly log: Logger;
}

/** A Hugging Face-compatible hub: what it says of files, and their bytes. */
export class Hub implements HubClient {
  readonly #options: HubOptions;
  readonly #http: HttpClient;
  readonly #origin: string;
  /** Files that the hub announced with a commit it does not know by itself, as some mirrors do. */
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

  /** @throws HostError what the hub refuses with, `CHECKSUM_MISSING`, `HUB_UNREACHABLE`, `OFFLINE`. */
  fileInfo(name: ModelName, file: string, { signal }: { signal?: AbortSignal }): Promise<RemoteFile> {
    return this.#retried(() => this.#askForFile(name, file, signal), signal);
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
      return rangeAnswer(response, remote, range, signal);
    } catch (error) {
      response.body.destroy();
      throw error;
    }
  }

  async byteSource(name: ModelName, file: string, { signal }: { signal?: AbortSignal }): Promise<ByteSource> {
    const remote = await this.fileInfo(name, file, defined({ signal }));
    return new RemoteSource(remote, {
      open: (range, options) => this.openRange(remote, range, options),
      retried: (work, signal) => this.#retried(work, signal),
    });
  }

  /** The files of a repository, those with unusable names left out. Throws what the hub refuses with. */
  repoFiles(repo: RepoName, { signal }: { signal?: AbortSignal }): Promise<RepoFile[]> {
    return this.#retried(() => this.#askForFiles(repo, signal), signal);
  }

  /** Looks for repositories with GGUF files. */
  search(query: SearchQuery, { signal }: { signal?: AbortSignal }): Promise<SearchPage> {
    return this.#retried(async () => {
      const url = new URL(`${this.#options.endpoint}${searchPath(query)}`);
      const response = await this.#follow(url, { method: 'GET', headers: {}, signal });
      if (response.status === 200) return readSearchPage(response, query.limit, signal);
      response.body.destroy();
      throw refusalOfSearch(response);
    }, signal);
  }

  /** The model's page lists all files at once; where a mirror has none, the tree does. */
  async #askForFiles(repo: RepoName, signal: AbortSignal | undefined): Promise<RepoFile[]> {
    let fault: HubFault | undefined;
    for (const listing of listingsOf(repo)) {
      const url = new URL(`${this.#options.endpoint}/api/models/${encodePath(repo.repoId)}${listing}`);
      const response = await this.#follow(url, { method: 'GET', headers: {}, signal });
      if (response.status === 200) return readRepoFiles(response, repo, signal);
      response.body.destroy();
      fault = refusalOfRepo(response, repo, this.#options.endpoint);
      // What the hub says itself of a repository holds for the other listing, too.
      if (fault.transient || response.headers['x-error-code'] !== undefined) throw fault;
    }
    throw fault;
  }

  async #askForFile(name: ModelName, file: string, signal: AbortSignal | undefined): Promise<RemoteFile> {
    const url = this.#fileUrl(name, file, name.revision);
    let response = await this.#follow(url, { method: 'HEAD', headers: {}, signal, stayOnHost: true });
    response.body.destroy();
    // Some mirrors know no HEAD, some leave the size out of its answer.
    if (
      response.status === 405 ||
      response.status === 501 ||
      (isAnswer(response) && fileFacts(response).size === undefined)
    ) {
      response = await this.#follow(url, { method: 'GET', headers: { range: 'bytes=0-0' }, signal, stayOnHost: true });
      response.body.destroy();
    }
    if (!isAnswer(response)) throw refusal(response.status, response.headers, this.#subject(name, file));

    const facts = fileFacts(response);
    const isPlain = isStrong(facts.checksum) && facts.size !== undefined;
    const listed = isPlain ? undefined : await this.#listed(name, file, signal);
    const checksum = isStrong(listed?.checksum) ? listed.checksum : (facts.checksum ?? listed?.checksum);
    const size = listed?.size ?? facts.size;
    if (checksum === undefined || size === undefined) throw unverifiable(name, file);
    return { name, file, size, checksum, etag: facts.etag ?? checksum.hex, commit: facts.commit };
  }

  /** What the hub's listings of the repository say of a file: the tree, or where a mirror has none, the model's page. */
  async #listed(name: ModelName, file: string, signal: AbortSignal | undefined): Promise<ListedFile | undefined> {
    for (const listing of listingsOf(name).toReversed()) {
      const url = new URL(`${this.#options.endpoint}/api/models/${encodePath(name.repoId)}${listing}`);
      const response = await this.#follow(url, { method: 'GET', headers: {}, signal });
      if (response.status === 200) {
        const found = await listedFile(response, file, signal);
        if (found?.checksum !== undefined) return found;
        continue;
      }
      response.body.destroy();
      const fault = refusal(response.status, response.headers, this.#subject(name, file));
      if (isTransient(fault)) throw fault;
    }
    return undefined;
  }

  #assertFound({ status, headers, url, hubHeaders }: HttpResponse, remote: RemoteFile): void {
    if (status === 206 || status === 200) return;
    if (status === 416) throw changed(remote, 'another size');
    // A refusal where the hub redirected to is of a signed address: the next try asks the hub for a new one.
    const isRedirected = hubHeaders !== undefined && headers['x-error-code'] === undefined;
    if (isRedirected && (status === 401 || status === 403 || status === 404 || status === 410)) {
      throw new HubFault(
        'HUB_ERROR',
        `${url.origin} rejected the download address for ${remote.file} (status ${status}).`,
        {
          transient: true,
          details: { host: url.host, status },
        },
      );
    }
    throw refusal(status, headers, this.#subject(remote.name, remote.file));
  }

  async #follow(url: URL, request: Omit<FollowRequest, 'url' | 'token' | 'tokenOrigin'>): Promise<HttpResponse> {
    const { env, keptToken } = this.#options;
    if (/^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? '')) {
      throw new HostError('OFFLINE', 'Offline mode is on (HF_HUB_OFFLINE is set). Unset it to download models.');
    }
    let withheld: HostError | undefined;
    const found = await findToken(env, keptToken).catch((error: unknown) => {
      // What is public needs no token: a keychain that is locked keeps nobody from it.
      if (!isHostError(error, 'KEYCHAIN_UNAVAILABLE')) throw error;
      withheld = error;
      return undefined;
    });
    const response = await follow(this.#http, { ...request, url, token: found?.token, tokenOrigin: this.#origin });
    if (withheld === undefined || (response.status !== 401 && response.status !== 403)) return response;
    response.body.destroy();
    throw withheld;
  }

  #retried<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return retry(work, this.#options.limits, {
      signal,
      onRetry: (error, attempt) => this.#options.log.warn('hub.retry', { attempt, error }),
    });
  }

  #subject(name: ModelName, file: string) {
    return { name, file, endpoint: this.#options.endpoint };
  }

  #fileUrl(name: ModelName, file: string, revision: string): URL {
    const { endpoint } = this.#options;
    return new URL(
      `${endpoint}/${encodePath(name.repoId)}/resolve/${encodeURIComponent(revision)}/${encodePath(file)}`,
    );
  }
}

/** The two listings a hub has of a repository: the model's page, and the tree. */
function listingsOf({ revision }: RepoName | ModelName): readonly string[] {
  const encoded = encodeURIComponent(revision);
  const page = revision === DEFAULT_REVISION ? '' : `/revision/${encoded}`;
  return [`${page}?blobs=true`, `/tree/${encoded}?recursive=true`];
}

function isAnswer({ status }: HttpResponse): boolean {
  return status >= 200 && status <= 399;
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function unverifiable(name: ModelName, file: string): HubFault {
  return new HubFault(
    'CHECKSUM_MISSING',
    `The Hugging Face Hub provides no checksum or size for ${name.repoId}/${file}, so the file cannot be verified and was not downloaded.`,
    { details: { repoId: name.repoId, fileName: file, expected: 'X-Linked-Etag or ETag with a SHA-256' } },
  );
}
