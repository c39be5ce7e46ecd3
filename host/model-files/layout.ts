import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { HostPaths } from '../config.ts';
import { DEFAULT_REVISION, encodeRevision, type ModelName, type RepoName } from '../protocol/model-name.ts';

/**
 * Paths in the cache. `model-name.ts` validates names, so no path that is built from a name can lead out of its folder.
 *
 * - `models/<owner>/<repo>/<file>`, or `<repo>@<revision>` for revisions other than `main`: complete, verified files
 * - `partial/<key>.partial`: an unfinished download (in `.tabagent-partial/` beside the models if they are on another
 *   disk)
 * - `locks/<key>.lock`: locked by the process that downloads the model
 * - `pins/<key>`: exists while the model is pinned
 * - `locks/<key>.use`: locked in shared mode by processes that have the model loaded, exclusively by a process that
 *   deletes it
 */
export class CacheLayout {
  readonly models: string;
  readonly partials: string;
  readonly pins: string;
  readonly locks: string;

  constructor(paths: Pick<HostPaths, 'models' | 'partial' | 'locks' | 'pins'>) {
    this.models = paths.models;
    this.partials = paths.partial;
    this.pins = paths.pins;
    this.locks = paths.locks;
  }

  /**
   * Returns the folder of a repository's files at a revision. Does not check for links: use `ModelFolder` for paths to
   * read or write.
   */
  repoFolder({ owner, repo, revision }: RepoName | ModelName): string {
    return join(this.models, owner, revision === DEFAULT_REVISION ? repo : `${repo}@${encodeRevision(revision)}`);
  }

  lockPath(name: ModelName): string {
    return join(this.locks, `${modelKey(name)}.lock`);
  }

  pinPath(name: ModelName): string {
    return join(this.pins, modelKey(name));
  }

  /** Returns the path of the lock that processes with the model loaded share. */
  usePath(name: ModelName): string {
    return join(this.locks, `${modelKey(name)}.use`);
  }
}

/** Returns the key of a model, which can be used as a file name. */
export function modelKey(name: ModelName): string {
  return keyOf(name.id);
}

/**
 * Returns the key of a file of a model, for the index and for file names: short, and the same in every process.
 */
export function fileKey(name: ModelName, file: string): string {
  return keyOf(`${name.id}\0${file}`);
}

/** 128 bits of SHA-256: enough to rule out accidental collisions. */
function keyOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}
