import { invalidField } from '../common/host-errors.ts';
import { DEFAULT_REVISION, encodeRevision } from './model-name.ts';

/** A model on a Hugging Face-compatible hub, as a user may type or paste it. */
export interface ModelAddress {
  readonly repoId: string;
  /** A file of the repository; undefined for the repository. */
  readonly file: string | undefined;
  /** Undefined for `main`. */
  readonly revision: string | undefined;
  /** Such as `Q4_K_M`. */
  readonly quantization: string | undefined;
}

/** Hosts that are the Hugging Face Hub, or mirror it under the same names. */
const HUB_HOSTS: readonly string[] = ['huggingface.co', 'hf.co', 'hf-mirror.com'];

/** Hosts of Ollama's registry, and its owner of models that are named without one. */
const OLLAMA_HOSTS: readonly string[] = ['ollama.com', 'registry.ollama.ai'];
const OLLAMA_LIBRARY = 'library';

/** The commands of other programs that model pages offer to copy, up to the name. */
const COMMAND =
  /^(?:\$\s+)?(?:(?:ollama|docker\s+model)\s+(?:run|pull)|lms\s+get|git\s+(?:lfs\s+)?clone|(?:hf|huggingface-cli)\s+download|(?:\S*llama-(?:server|cli)(?:\.exe)?\s+)?(?:-hf|-hfr|--hf-repo))\s+/;

/** Spaces, and characters without width that are copied from web pages, around a name. */
const AROUND = /^[\s\u200b-\u200d\u2060\ufeff]+|[\s\u200b-\u200d\u2060\ufeff]+$/g;
/** Quotes, or the angle brackets of a Markdown link, around a name. */
const QUOTED = /^[<"'`“‘„](.*)[>"'`”’“]$/;
/** The address of the hub for Git over SSH, up to the path. */
const GIT_ADDRESS = /^(?:ssh:\/\/)?git@([^/:\s]+)[:/]/i;

/** The parts of the path of a repository's page between its name and a revision. */
const FILE_PAGES: readonly string[] = ['blob', 'resolve', 'raw', 'tree'];

/** First parts of the paths of pages that belong to no model. */
const NO_OWNERS: readonly string[] = ['api', 'blog', 'collections', 'datasets', 'docs', 'papers', 'spaces'];

/** `owner/name`, optionally with `@revision`, then `:quantization` or a file, which may be separated by a space. */
const NAME =
  /^(?<repoId>[^/\s:@]+\/[^/\s:@]+)(?:@(?<revision>[^/\s:]+))?(?::(?<quantization>[\w.-]+)|(?:\/|\s+)(?<file>\S.*\.gguf))?$/i;

/**
 * Reads the address of a model or repository, without checking whether it exists; returns undefined for anything else.
 *
 * @param endpoint The configured hub, whose addresses are accepted, too.
 */
export function readModelAddress(typed: string, endpoint?: string): ModelAddress | undefined {
  const name = nameOf(typed, endpoint);
  const { repoId, file, revision, quantization } = (name === undefined ? null : NAME.exec(name))?.groups ?? {};
  if (repoId === undefined) return undefined;
  return { repoId, file, revision: revision === DEFAULT_REVISION ? undefined : revision, quantization };
}

/** Returns the name of an address's repository: `owner/name`, with its revision and quantization, without its file. */
export function repositoryOf({
  repoId,
  revision,
  quantization,
}: Pick<ModelAddress, 'repoId'> & Partial<ModelAddress>): string {
  const at = revision === undefined ? '' : `@${revision}`;
  return `${repoId}${at}${quantization === undefined ? '' : `:${quantization}`}`;
}

/** Returns the model id: `owner/name/file.gguf`, with `@revision` after the name unless it is `main`. */
export function modelIdOf({ repoId, file, revision }: ModelAddress & { readonly file: string }): string {
  return `${repoId}${revision === undefined ? '' : `@${revision}`}/${file}`;
}

/** Maximum length of an address, in characters. Longer text is not searched for one: it may take time that grows faster. */
const MAX_LENGTH = 4096;

/** The fields of requests that take a model or repository. */
const NAME_FIELDS = ['modelPath', 'repoId', 'modelId', 'model_id', 'model_name', 'model', 'model_path'] as const;

/** The fields of a catalog entry, in the field `model`, that take a model or repository. */
const ENTRY_FIELDS = ['id', 'repo_id', 'repo'] as const;

/**
 * Replaces the addresses in the fields of a request by the names of the models, so that an address can be pasted wherever
 * a name is accepted.
 *
 * @throws HostError `INVALID_REQUEST` for the address of another hub.
 */
export function withPlainNames(fields: object, endpoint: string): object {
  const plain = withPlain(fields, NAME_FIELDS, '', endpoint);
  const { model } = plain;
  if (typeof model !== 'object' || model === null) return plain;
  return { ...plain, model: withPlain(model, ENTRY_FIELDS, 'model.', endpoint) };
}

function withPlain(fields: object, names: readonly string[], prefix: string, endpoint: string) {
  const plain: Record<string, unknown> = { ...fields };
  for (const field of names) {
    const typed = plain[field];
    if (typeof typed !== 'string') continue;
    const name = nameOf(typed, endpoint);
    if (name === undefined) throw invalidField(prefix + field, `a model's name, or its address at ${endpoint}`, typed);
    plain[field] = name;
  }
  return plain;
}

/**
 * Returns the name of the model at an address, in the form that `model-name.ts` reads: `owner/name`, `owner/name:Q4_K_M`,
 * `owner/name@revision/file.gguf`, or `local/ollama/…` for a model of Ollama. Other text is returned without the spaces
 * around it and the slashes at its end, or unchanged if it is longer than any address. Returns undefined for an address
 * that names no model of the hub.
 */
export function nameOf(typed: string, endpoint?: string): string | undefined {
  if (typed.length > MAX_LENGTH) return typed;
  const text = typed
    .replace(AROUND, '')
    .replace(QUOTED, '$1')
    .replace(COMMAND, '')
    .replace(QUOTED, '$1')
    .replace(GIT_ADDRESS, 'https://$1/')
    // With a slash too few, or without the scheme.
    .replace(/^(https?:)\/+|^\/\/+/i, (_, scheme: string | undefined) => (scheme === undefined ? '' : `${scheme}//`));
  const url = asUrl(text, endpoint);
  if (url === undefined) return plainName(text);
  if (url === null) return undefined;
  const path = url.pathname.split('/').filter(Boolean).map(decoded);
  if (OLLAMA_HOSTS.includes(hostOf(url))) return ollamaName(path.join('/'));
  return nameOfPage(withoutPrefix(path, endpoint), url.searchParams);
}

/** Parses text as a URL; returns undefined if it is none, null if it is one of another host. */
function asUrl(text: string, endpoint: string | undefined): URL | undefined | null {
  const own = endpoint === undefined ? null : URL.parse(endpoint);
  const hosts = [...HUB_HOSTS, ...OLLAMA_HOSTS, ...(own === null ? [] : [own.host])];
  const isKnown = (url: URL) => hosts.includes(hostOf(url)) || url.host === own?.host;
  if (/^https?:\/\//i.test(text)) {
    const url = URL.parse(text);
    return url !== null && isKnown(url) ? url : null;
  }
  // The URL scheme of Hugging Face's libraries.
  const ofHub = /^(?:hf|huggingface):(?:\/\/)?(?:models\/)?(?=[^/]+\/[^/])(.+)$/i.exec(text)?.[1];
  if (ofHub !== undefined) return URL.parse(`https://${HUB_HOSTS[0]}/${ofHub}`);
  const ofOllama = /^ollama:(?:\/\/)?(.+)$/i.exec(text)?.[1];
  if (ofOllama !== undefined) return URL.parse(`https://${OLLAMA_HOSTS[0]}/${ofOllama}`);
  // Without a scheme, as browsers display addresses.
  const url = /^[^/\s]+\/[^/]/.test(text) ? URL.parse(`https://${text}`) : null;
  return url !== null && isKnown(url) ? url : undefined;
}

function hostOf({ host }: URL): string {
  return host.replace(/^www\./, '');
}

/** Removes the path of the endpoint itself, which a proxy in front of several hubs has. */
function withoutPrefix(path: readonly string[], endpoint: string | undefined): readonly string[] {
  const prefix = endpoint === undefined ? [] : (URL.parse(endpoint)?.pathname.split('/').filter(Boolean) ?? []);
  return prefix.length > 0 && prefix.every((part, at) => path[at] === part) ? path.slice(prefix.length) : path;
}

/**
 * Returns the name in the path of a hub's page: `owner/name`, `owner/name:Q4_K_M`, `owner/name/blob/main/file.gguf`,
 * `…/tree/main/Q4_K_M`, or with `api/models` before it.
 */
function nameOfPage(path: readonly string[], query: URLSearchParams): string | undefined {
  const [owner, named, page, ...rest] = path[0] === 'api' && path[1] === 'models' ? path.slice(2) : path;
  // Git adds a suffix that no repository has.
  const repo = named?.replace(/\.git$/, '');
  if (owner === undefined || repo === undefined || NO_OWNERS.includes(owner)) return undefined;
  const repoId = `${owner}/${repo}`;
  if (page === undefined) {
    // The hub shows the metadata of a file beside the page of its repository.
    const file = query.get('show_file_info');
    return file === null ? plainName(repoId) : `${repoId}/${file}`;
  }
  if (/\.gguf$/i.test(rest.at(-1) ?? page) && !FILE_PAGES.includes(page)) return [repoId, page, ...rest].join('/');
  // The page of a discussion or of the settings names the repository.
  if (!FILE_PAGES.includes(page)) return repo.includes(':') ? undefined : repoId;
  const isSpecial = rest[0] === 'refs' && rest.length > 2;
  const revision = isSpecial ? rest.slice(0, 3).join('/') : rest[0];
  const inside = rest.slice(isSpecial ? 3 : 1);
  const at = revision === undefined || revision === DEFAULT_REVISION ? repoId : `${repoId}@${encodeRevision(revision)}`;
  const last = inside.at(-1);
  if (last === undefined) return at;
  // A folder is named after the quantization whose files it contains.
  return page === 'tree' ? `${at}:${last}` : `${at}/${inside.join('/')}`;
}

/** Returns a typed name in the form that `model-name.ts` reads. */
function plainName(text: string): string {
  const slashed = text.includes('/') ? text : text.replaceAll('\\', '/');
  const name = slashed.replace(/(?<=[^/])\/+$/, '');
  // Ollama accepts the name of a file in the place of a quantization; commands that download have it after a space.
  const file = /^([^/:\s]+\/[^/:\s]+)(?::|\s+)([^/:\s][^/:]*\.gguf)$/i.exec(name);
  if (file !== null) return `${file[1]}/${file[2]}`;
  return /^[\w][\w.-]*:[\w][\w.-]*$/.test(name) ? ollamaName(name) : name;
}

/** Returns the id of a model that Ollama names `name:tag` or `owner/name:tag`; `latest` is its default tag. */
function ollamaName(name: string): string {
  const [, path = name, tag = 'latest'] = /^(.*?)(?::([^/:]+))?\/*$/.exec(name) ?? [];
  const parts = path.split('/').filter((part, at) => at > 0 || part !== OLLAMA_LIBRARY);
  return ['local/ollama', ...parts, tag].join('/');
}

/** Decodes a part of a path; returns one with invalid escapes unchanged. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
