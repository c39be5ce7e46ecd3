import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchResult } from './result.ts';
import { timeStarts } from './startup.ts';

/** Measures the startup of the packaged host, which it builds first. */
export async function run(): Promise<BenchResult[]> {
  const out = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  try {
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    execFileSync(process.execPath, ['installers/package/main.ts', '--folder-only', '--out', out], { cwd });
    const [folder = ''] = await readdir(out);
    const program = join(out, folder, process.platform === 'win32' ? 'tabagent-host.exe' : 'tabagent-host');
    return [await timeStarts('spawn of the packaged host to first PING reply / empty Node program', [program])];
  } finally {
    await rm(out, { recursive: true });
  }
}
