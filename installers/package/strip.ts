import { spawnSync } from 'node:child_process';
import { findProgram } from '../../host/common/find-program.ts';
import type { Target } from './target.ts';

/**
 * Strips debug symbols from Linux binaries: a seventh of Node.js, a tenth of llama.cpp. GNU strip supports only one
 * architecture, llvm-strip supports all.
 *
 * @throws Error if no suitable tool is installed, or it fails.
 */
export function strip(target: Target, files: readonly string[]): void {
  const native = process.platform === 'linux' && process.arch === target.cpu;
  const triplet = target.cpu === 'x64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu';
  for (const program of [...(native ? ['strip'] : []), `${triplet}-strip`, 'llvm-strip']) {
    const found = findProgram(program);
    if (found === undefined) continue;
    const { status, error, stderr } = spawnSync(found, ['--strip-unneeded', ...files], { encoding: 'utf8' });
    if (status === 0) return;
    throw new Error(`${found} could not strip ${files.join(', ')}: ${error?.message ?? stderr}`);
  }
  const debian = native ? 'binutils' : `binutils-${triplet.replaceAll('_', '-')}`;
  throw new Error(
    `Neither ${native ? 'strip' : `${triplet}-strip`} nor llvm-strip is installed. On Debian, run: apt-get install ${debian}`,
  );
}
