import * as nodePath from 'node:path';

/** Longest path that Windows takes without the prefix of long ones: 260 characters, less those that SQLite appends. */
const MAX_PLAIN_PATH = 250;

/**
 * Returns a path in the form that libraries of C and C++ can open whatever its length. Node adds the prefix `\\?\` by
 * itself, to what its own functions open. Elsewhere than on Windows nothing is changed.
 *
 * @param path An absolute path.
 * @param paths How paths are read; a test gives Windows'.
 */
export function longPath(path: string, paths: nodePath.PlatformPath = nodePath): string {
  return path.length > MAX_PLAIN_PATH ? paths.toNamespacedPath(path) : path;
}
