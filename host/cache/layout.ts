import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { HostPaths } from '../config.ts';
import { DEFAULT_REVISION, encodeRevision, type ModelName, type RepoName } from '../protocol/model-name.ts';

/**
 * Where everything of the cache lies. A name has been through `model-name.ts` by now, so nothing built from one can
 * leave its folder.
 *
 * - `models/<owner>/<repo>/<file>`, or `<repo>@<revision>` for another revision than `main`: whole, verified files
 * - `partial/<key>.partial`: an unfinished download (`.tabagent-partial/` beside the models where they are on another disk)
 * - `locks/<key>.lock`: held by the process that downloads the model
 * - `pins/<key>`: there while the user wants the model kept
 * - `locks/<key>.use`: shared by the processes that have the model loaded, held alone by one that deletes it
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

  /** The folder of a repository's files at a revision, unchecked: `ModelFolder` gives paths that may be used. */
  repoFolder({ owner, repo, revision }: RepoName | ModelName): string {
    return join(this.models, owner, revision === DEFAULT_REVISION ? repo : `${repo}@${encodeRevision(revision)}`);
  }

  lockPath(name: ModelName): string {
    return join(this.locks, `${modelKey(name)}.lock`);
  }

  pinPath(name: ModelName): string {
    return join(this.pins, modelKey(name));
  }

  /** Shared by the processes that have the model loaded. */
  usePath(name: ModelName): string {
    return join(this.locks, `${modelKey(name)}.use`);
  }
}

/** The key of a model, as a file name. */
export function modelKey(name: ModelName): string {
  return keyOf(name.id);
}

/** The key of one file of a model, in the index and as a file name: short, and the same for everybody. */
export function fileKey(name: ModelName, file: string): string {
  return keyOf(`${name.id}\0${file}`);
}

/** 128 bits of SHA-256: no two names meet by chance, and none can be made to that would matter. */
function keyOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}
