import { dirname } from 'node:path';

/** Yields a path and each folder above it, the root last. Ends on every platform, whatever the path looks like. */
export function* ancestors(path: string): Generator<string, void> {
  for (let folder = path; ; folder = dirname(folder)) {
    yield folder;
    if (folder === dirname(folder)) return;
  }
}
