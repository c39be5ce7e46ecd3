import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Hex SHA-256, as the programs and the hub have it. */
export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Writes a file and the folders above it. Gives its path back. */
export function put(content: Uint8Array | string, ...path: [string, ...string[]]): string {
  const file = join(...path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** One file of a repository, as huggingface_hub would store it. */
export interface HubCacheFile {
  readonly repo: string;
  readonly file: string;
  readonly content: Uint8Array;
  /** Default: 40 times `a`. */
  readonly commit?: string;
  /** The branch that stands for the commit; none where null. Default: `main`. */
  readonly ref?: string | null;
  /** Default: its SHA-256. */
  readonly blob?: string;
  /** As on Windows without the right to make links. */
  readonly withoutLinks?: boolean;
}

/** Puts a file into a cache of huggingface_hub's. Gives the path in its snapshot back. */
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
  /** Default: the model's. */
  readonly mediaType?: string;
  /** What the manifest says instead of the content's own. */
  readonly digest?: string;
}

/** Puts a model into Ollama's store under `name` (`qwen3`, or `someone/qwen3`). Gives the path of its first blob back. */
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
