import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Returns the SHA-256 in hexadecimal, as programs and the hub use it. */
export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Writes a file and creates its parent folders. Returns its path. */
export function put(content: Uint8Array | string, ...path: [string, ...string[]]): string {
  const file = join(...path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** A file of a repository in the cache of huggingface_hub. */
export interface HubCacheFile {
  readonly repo: string;
  readonly file: string;
  readonly content: Uint8Array;
  /** The commit hash. Default: `a`, 40 times. */
  readonly commit?: string;
  /** The branch that points to the commit; null for none. Default: `main`. */
  readonly ref?: string | null;
  /** The name of the blob. Default: the SHA-256 of the content. */
  readonly blob?: string;
  /** Stores the file in the snapshot, as on Windows without the permission to create links. */
  readonly withoutLinks?: boolean;
}

/** Writes a file to a cache of huggingface_hub. Returns its path in the snapshot. */
export function putHubCache(cache: string, file: HubCacheFile): string {
  const { commit = 'a'.repeat(40), ref = 'main', withoutLinks = false } = file;
  const repo = join(cache, `models--${file.repo.replace('/', '--')}`);
  if (ref !== null) put(commit, repo, 'refs', ref);
  const path = join(repo, 'snapshots', commit, file.file);
  if (withoutLinks) return put(file.content, path);
  const blob = put(file.content, repo, 'blobs', file.blob ?? sha256(file.content));
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(relative(dirname(path), blob), path);
  return path;
}

/** A layer of a model in Ollama's store. */
export interface OllamaLayer {
  readonly content: Uint8Array;
  /** Default: the media type of a model. */
  readonly mediaType?: string;
  /** A digest for the manifest. Default: that of the content. */
  readonly digest?: string;
}

/**
 * Writes a model to Ollama's store under a name such as `qwen3` or `someone/qwen3`. Returns the path of its first blob.
 */
export function putOllama(store: string, name: string, tag: string, layers: readonly OllamaLayer[]): string {
  const paths = layers.map(({ content }) => put(content, store, 'blobs', `sha256-${sha256(content)}`));
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: { mediaType: 'application/vnd.docker.container.image.v1+json', digest: `sha256:${sha256('')}`, size: 0 },
    layers: layers.map(({ content, mediaType = 'application/vnd.ollama.image.model', digest }) => ({
      mediaType,
      digest: digest ?? `sha256:${sha256(content)}`,
      size: content.length,
    })),
  };
  const path = name.includes('/') ? name : `library/${name}`;
  put(JSON.stringify(manifest), store, 'manifests', 'registry.ollama.ai', path, tag);
  return paths[0] ?? '';
}
