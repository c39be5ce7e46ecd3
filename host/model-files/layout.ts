import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { HostPaths } from '../config.ts';
import { DEFAULT_REVISION, encodeRevision, type ModelName, type RepoName } from '../protocol/model-name.ts';

/**
 * Paths of everything in the cache. Names have been validated by `model-name.ts`, so no path built from one can leave
 * its folder.
 *
 * - `models/<owner>/<repo>/<file>`, or `<repo>@<revision>` for another revision than `main`: complete, verified files
 * - `partial/<key>.partial`: an unfinished download (in `.tabagent-partial/` beside the models if they are on another
 *   disk)
 * - `locks/<key>.lock`: locked by the process that downloads the model
 * - `pins/<key>`: exists while the model is pinned
 * - `locks/<key>.use`: locked in shared mode by processes that have the model loaded, exclusively by one that deletes
 *   it
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
   * Returns the folder of a repository's files at a revision, without checking for links; `ModelFolder` returns paths
   * that may be used.
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

/** Returns the key of a model, for use as a file name. */
export function modelKey(name: ModelName): string {
  return keyOf(name.id);
}

/**
 * Returns the key of one file of a model, for use in the index and as a file name: short, and the same in every
 * process.
 */
export function fileKey(name: ModelName, file: string): string {
  return keyOf(`${name.id}\0${file}`);
}

/** 128 bits of SHA-256: enough to rule out accidental collisions. */
function keyOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}
