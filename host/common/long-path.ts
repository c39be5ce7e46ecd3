import * as nodePath from 'node:path';

/** Longest path that Windows accepts without the prefix of long paths: 260 characters, minus what SQLite appends. */
const MAX_PLAIN_PATH = 250;

/**
 * Returns a path in the form that libraries of C and C++ can open whatever its length. Node's own functions add the
 * prefix `\\?\` themselves. On other platforms the path is returned unchanged.
 *
 * @param path An absolute path.
 * @param paths The path functions of the platform; tests pass those of Windows.
 */
export function longPath(path: string, paths: nodePath.PlatformPath = nodePath): string {
  return path.length > MAX_PLAIN_PATH ? paths.toNamespacedPath(path) : path;
}
