import * as nodePath from 'node:path';

/** Maximum length of a path without the prefix for long paths on Windows: 260 characters, minus SQLite's suffixes. */
const MAX_PLAIN_PATH = 250;

/**
 * Returns a path that C and C++ libraries can open regardless of its length: on Windows with the prefix `\\?\`, which
 * Node's own functions add automatically. Returns the path unchanged on other platforms.
 *
 * @param path An absolute path.
 * @param paths The path functions of the platform; tests pass those of Windows.
 */
export function longPath(path: string, paths: nodePath.PlatformPath = nodePath): string {
  return path.length > MAX_PLAIN_PATH ? paths.toNamespacedPath(path) : path;
}
