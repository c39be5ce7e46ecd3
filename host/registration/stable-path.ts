import { realpathSync } from 'node:fs';

/**
 * Returns a path to the same file that stays valid after an upgrade with Homebrew: `opt/NAME`, which links to the
 * installed version, instead of `Cellar/NAME/VERSION`. Other paths are returned unchanged.
 */
export function stablePath(path: string): string {
  const parts = /^(.*)\/Cellar\/([^/]+)\/[^/]+\/(.+)$/.exec(path);
  if (parts === null) return path;
  const linked = `${parts[1]}/opt/${parts[2]}/${parts[3]}`;
  try {
    return realpathSync(linked) === realpathSync(path) ? linked : path;
  } catch {
    // An installation without these links.
    return path;
  }
}
