import { dirname } from 'node:path';

/** Yields a path and all its parent folders, up to the root. */
export function* ancestors(path: string): Generator<string, void> {
  for (let folder = path; ; folder = dirname(folder)) {
    yield folder;
    if (folder === dirname(folder)) return;
  }
}
