import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { sendBody } from './body.ts';
import { type Fault, type FaultRule, Faults } from './faults.ts';
import { type Content, HubFile } from './hub-file.ts';

/** A repository on the hub. */
export interface RepoOptions {
  readonly files: Readonly<Record<string, Content>>;
  /** Whether files require the token. The listings also report the repository as gated. */
  readonly gated?: boolean;
  /** Whether the repository is hidden without the token. */
  readonly private?: boolean;
  /** Additional fields in search results, such as `downloads`, `likes` or `gguf`; they may be invalid. */
  readonly found?: Readonly<Record<string, unknown>>;
  /** The date of its last commit, as the hub sends it. */
  readonly changed?: string;
  /** Additional entries in listings, which are sent unchanged. */
  readonly listed?: readonly unknown[];
}

export interface HubOptions {
  readonly repos: Readonly<Record<string, RepoOptions>>;
  /** The token for gated and private repositories. */
  readonly token?: string;
  /** Speed limit of file responses in bytes per second: one for all, or by the index of the connection. */
  readonly bytesPerSecond?: number | ((connection: number) => number);
  /** Whether the hub sends files itself instead of redirecting to the CDN. */
  readonly noRedirect?: boolean;
}

/** A request that the server received, for assertions. */
export interface HubRequest {
  readonly server: 'hub' | 'cdn';
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

interface Repo {
  readonly options: RepoOptions;
  readonly commit: string;
  readonly files: ReadonlyMap<string, HubFile>;
}

/** Starts a hub on loopback. */
export async function startHub(options: HubOptions): Promise<TestHub> {
  const hub = new TestHub(options);
  await hub.listen();
  return hub;
}

/**
 * A local hub that behaves like the Hugging Face Hub: `resolve` sends the headers that clients rely on, and redirects
 * to signed URLs on a second origin (the "CDN"). It supports listings, range requests and errors with `X-Error-Code`.
 * It records all requests, and can simulate the faults of a real hub.
 */
export class TestHub {
  /** All requests so far, in order. */
  readonly requests: HubRequest[] = [];
  readonly #options: HubOptions;
  readonly #repos: ReadonlyMap<string, Repo>;
  readonly #faults = new Faults();
  readonly #signature = randomBytes(16).toString('hex');
  /** Indexes of the CDN's connections. */
  readonly #connections = new WeakMap<object, number>();
  #connectionCount = 0;
  readonly #hub: Server;
  readonly #cdn: Server;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#repos = new Map(Object.entries(options.repos).map(([id, repo]) => [id, makeRepo(id, repo)]));
    this.#hub = createServer((request, response) => this.#serve('hub', request, response));
    this.#cdn = createServer((request, response) => this.#serve('cdn', request, response));
  }

  /** Returns the commit that `main` of a repository points to. */
  commitOf(repoId: string): string {
    return this.#repos.get(repoId)?.commit ?? '';
  }

  get url(): string {
    return addressOf(this.#hub);
  }

  get cdnUrl(): string {
    return addressOf(this.#cdn);
  }

  /** Adds a fault for further requests. */
  fault(rule: FaultRule): void {
    this.#faults.add(rule);
  }

  /** Removes all faults. */
  clearFaults(): void {
    this.#faults.clear();
  }

  /** Closes all connections to the CDN. */
  dropDownloads(): void {
    this.#cdn.closeAllConnections();
  }

  /** @internal Called by {@link startHub}. */
  async listen(): Promise<void> {
    await Promise.all(
      [this.#hub, this.#cdn].map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))),
    );
  }

  async close(): Promise<void> {
    await Promise.all(
      [this.#hub, this.#cdn].map((server) => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      }),
    );
  }

  #serve(server: 'hub' | 'cdn', request: IncomingMessage, response: ServerResponse): void {
    const received: HubRequest = {
      server,
      method: request.method ?? '',
      url: request.url ?? '',
      range: request.headers.range,
      authorization: request.headers.authorization,
    };
    this.requests.push(received);
    const fault = this.#faults.take(received);
    response.on('error', () => {});
    this.#respond(received, response, fault).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  }

  async #respond(request: HubRequest, response: ServerResponse, fault: Fault | undefined): Promise<void> {
    if (fault?.kind === 'status') return sendJson(response, fault.status, { error: 'fault' }, fault.headers);
    if (fault?.kind === 'script') {
      await fault.answer(response, request);
      return;
    }
    if (fault?.kind === 'redirect') return redirect(response, fault.to, fault.headers);
    if (fault?.kind === 'html') {
      response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
        .end('<!doctype html><title>Welcome</title>');
      return;
    }
    const { pathname, searchParams } = new URL(request.url, 'http://hub');
    const parts = pathname.slice(1).split('/').map(decodeURIComponent);
    if (request.server === 'cdn') {
      if (searchParams.get('Signature') !== this.#signature) return sendJson(response, 403, { error: 'expired' });
      const file = this.#repos.get(`${parts[0]}/${parts[1]}`)?.files.get(parts.slice(2).join('/'));
      if (file === undefined) return sendJson(response, 404, { error: 'gone' });
      // A CDN generates its own ETags.
      return this.#sendFile(request, response, file, fault, { etag: `"cdn-${file.size}"` });
    }
    if (parts[0] === 'api' && parts.length === 2) return this.#search(searchParams, request, response);
    if (parts[0] === 'api') return this.#api(parts, searchParams, request, response, fault);
    const [owner, name, resolve, revision = '', ...path] = parts;
    if (resolve !== 'resolve') return sendJson(response, 404, { error: 'Not found' });
    const found = this.#find(`${owner}/${name}`, revision, request, response);
    if (found !== undefined) await this.#resolve(found, path.join('/'), request, response, fault);
  }

  async #resolve(repo: Repo, path: string, request: HubRequest, response: ServerResponse, fault: Fault | undefined) {
    if (repo.options.gated === true && !this.#hasToken(request)) {
      return sendError(response, 403, 'GatedRepo', 'Access to this repository is restricted. Accept its terms first.');
    }
    const file = repo.files.get(path);
    if (file === undefined) return sendError(response, 404, 'EntryNotFound', 'Entry not found');
    const sum =
      fault?.kind === 'changedEtag' ? createHash('sha256').update('another').digest('hex') : await file.sha256();
    const tag =
      fault?.kind === 'tag' ? fault.announced : fault?.kind === 'noChecksum' ? `"v1-${file.size}"` : `"${sum}"`;
    const headers = {
      'x-repo-commit': repo.commit,
      'x-linked-size': fault?.kind === 'size' ? fault.announced : String(file.size),
      'x-linked-etag': tag,
      etag: tag,
    };
    if (this.#options.noRedirect === true) return this.#sendFile(request, response, file, fault, headers);
    const [owner, name] = [...this.#repos].find(([, candidate]) => candidate === repo)?.[0].split('/') ?? [];
    const address = [owner, name, ...path.split('/')].map((part) => encodeURIComponent(part ?? '')).join('/');
    redirect(response, `${this.cdnUrl}/${address}?Expires=1&Signature=${this.#signature}`, headers);
  }

  async #sendFile(
    request: HubRequest,
    response: ServerResponse,
    file: HubFile,
    fault: Fault | undefined,
    headers: Record<string, string>,
  ): Promise<void> {
    const range = fault?.kind === 'ignoreRange' ? undefined : request.range;
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    const start = from === undefined ? 0 : Number(from);
    const end = from === undefined || !to ? file.size : Math.min(Number(to) + 1, file.size);
    if (from !== undefined && start >= file.size) {
      response.writeHead(416, { 'content-range': `bytes */${file.size}` }).end();
      return;
    }
    const length = end - start + (fault?.kind === 'longer' ? -fault.by : fault?.kind === 'shorter' ? fault.by : 0);
    const shown = fault?.kind === 'wrongContentRange' ? start + 1 : start;
    response.writeHead(from === undefined ? 200 : 206, {
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      'content-length': String(length),
      ...headers,
      ...(fault?.kind === 'gzip' ? { 'content-encoding': 'gzip', 'content-length': undefined } : {}),
      ...(from === undefined || fault?.kind === 'noContentRange'
        ? {}
        : { 'content-range': `bytes ${shown}-${end - 1}/${file.size}` }),
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    if (fault?.kind === 'gzip') {
      response.end(gzipSync(Buffer.concat(await file.read(start, end).toArray())));
      return;
    }
    // Node.js would reject a body that is longer than announced.
    if (fault?.kind === 'longer') response.strictContentLength = false;
    await sendBody(response, file.read(start, end), { start, fault, bytesPerSecond: this.#speedOf(response) });
  }

  async #api(
    [, , owner, name, endpoint, revision = 'main']: string[],
    query: URLSearchParams,
    request: HubRequest,
    response: ServerResponse,
    fault: Fault | undefined,
  ): Promise<void> {
    const repo = this.#find(`${owner}/${name}`, revision, request, response);
    if (repo === undefined) return;
    const known = fault?.kind !== 'noChecksum';
    const files = await Promise.all(
      [...repo.files].map(async ([path, file]) => ({ path, size: file.size, oid: known ? await file.sha256() : '' })),
    );
    if (endpoint === 'tree') {
      const { changed } = repo.options;
      const expanded = query.get('expand') === 'true' && changed !== undefined;
      const entries = files.map(({ path, size, oid }) => ({
        ...{ type: 'file', path, size, oid: '', lfs: { oid, size } },
        ...(expanded ? { lastCommit: { id: repo.commit, title: 'Upload', date: changed } } : {}),
      }));
      return sendJson(response, 200, [...entries, ...(repo.options.listed ?? [])]);
    }
    const siblings = files.map(({ path, size, oid }) =>
      query.get('blobs') === 'true' ? { rfilename: path, size, lfs: { sha256: oid, size } } : { rfilename: path },
    );
    return sendJson(response, 200, {
      id: `${owner}/${name}`,
      modelId: `${owner}/${name}`,
      sha: repo.commit,
      private: repo.options.private === true,
      gated: repo.options.gated === true ? 'auto' : false,
      siblings: [...siblings, ...(repo.options.listed ?? [])],
    });
  }

  /** Sends a page of the repositories whose names contain the query. The cursor encodes the index of the next one. */
  #search(query: URLSearchParams, request: HubRequest, response: ServerResponse): void {
    const text = query.get('search')?.toLowerCase() ?? '';
    const sort = query.get('sort') ?? 'downloads';
    const found = [...this.#repos]
      .filter(([id, { options }]) => id.toLowerCase().includes(text) && (!options.private || this.#hasToken(request)))
      .map(([id, { options }]) => ({
        id,
        modelId: id,
        gated: options.gated === true ? 'auto' : false,
        ...options.found,
      }))
      .sort((a, b) => Number(Object(b)[sort] ?? 0) - Number(Object(a)[sort] ?? 0));
    const start = Number(Buffer.from(query.get('cursor') ?? '', 'base64').toString() || 0);
    const end = start + Number(query.get('limit') ?? 1000);
    const next = new URLSearchParams(query);
    next.set('cursor', Buffer.from(String(end)).toString('base64'));
    const link = end < found.length ? { link: `<${this.url}/api/models?${next}>; rel="next"` } : {};
    sendJson(response, 200, found.slice(start, end), link);
  }

  /**
   * Returns a repository at a revision. If the client cannot access it, responds with an error and returns undefined.
   */
  #find(id: string, revision: string, request: HubRequest, response: ServerResponse): Repo | undefined {
    const repo = this.#repos.get(id);
    if (repo === undefined || (repo.options.private === true && !this.#hasToken(request))) {
      sendError(response, this.#hasToken(request) ? 404 : 401, 'RepoNotFound', 'Repository not found');
      return undefined;
    }
    if (revision !== 'main' && revision !== repo.commit) {
      sendError(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
      return undefined;
    }
    return repo;
  }

  /** Returns the speed limit of a response's connection. */
  #speedOf(response: ServerResponse): number | undefined {
    const { bytesPerSecond } = this.#options;
    if (typeof bytesPerSecond !== 'function') return bytesPerSecond;
    const { socket } = response;
    if (socket === null) return undefined;
    const known = this.#connections.get(socket);
    const connection = known ?? this.#connectionCount++;
    if (known === undefined) this.#connections.set(socket, connection);
    return bytesPerSecond(connection);
  }

  #hasToken({ authorization }: HubRequest): boolean {
    return this.#options.token !== undefined && authorization === `Bearer ${this.#options.token}`;
  }
}

function makeRepo(id: string, options: RepoOptions): Repo {
  const files = new Map(Object.entries(options.files).map(([path, content]) => [path, new HubFile(content)]));
  return { options, files, commit: createHash('sha1').update(id).digest('hex') };
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function redirect(response: ServerResponse, location: string, headers: Record<string, string> = {}): void {
  response.writeHead(302, { ...headers, location }).end();
}

function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  sendJson(response, status, { error: message }, { 'x-error-code': code, 'x-error-message': message });
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    .end(JSON.stringify(body));
}
