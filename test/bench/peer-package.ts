import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Installs pinned npm packages in a folder, without running their scripts, for a peer that is too large for a
 * development dependency.
 *
 * @param entry Path of the module to import, relative to `node_modules`.
 * @returns The URL of that module, or the reason why it is missing.
 */
export function installPeer(
  folder: string,
  packages: readonly string[],
  entry: string,
): { readonly url: string } | { readonly missing: string } {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private": true}');
  const flags = ['--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, stderr } = spawnSync('npm', ['install', ...flags, ...packages], { cwd: folder, encoding: 'utf8' });
  if (status === 0) return { url: pathToFileURL(join(folder, 'node_modules', entry)).href };
  return {
    missing: `npm could not install ${packages.join(' ')}: ${stderr.trim().split('\n')[0] ?? 'no reason given'}`,
  };
}
