import { spawnSync } from 'node:child_process';
import { findProgram } from '../../host/common/find-program.ts';
import type { Target } from './target.ts';

/**
 * Takes out of Linux binaries the symbols that only a debugger reads: a seventh of Node, a tenth of llama.cpp. GNU's
 * tool knows only its own machine's files, LLVM's knows all.
 *
 * @throws Error where this machine has no such tool.
 */
export function strip(target: Target, files: readonly string[]): void {
  const native = process.platform === 'linux' && process.arch === target.cpu;
  const triplet = target.cpu === 'x64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu';
  for (const program of [...(native ? ['strip'] : []), `${triplet}-strip`, 'llvm-strip']) {
    const found = findProgram(program);
    if (found === undefined) continue;
    const { status, error, stderr } = spawnSync(found, ['--strip-unneeded', ...files], { encoding: 'utf8' });
    if (status === 0) return;
    throw new Error(`Expected ${found} to strip ${files.join(', ')}: ${error?.message ?? stderr}`);
  }
  const debian = native ? 'binutils' : `binutils-${triplet.replaceAll('_', '-')}`;
  throw new Error(
    `Expected strip, ${triplet}-strip or llvm-strip on this machine; on Debian: apt-get install ${debian}`,
  );
}
