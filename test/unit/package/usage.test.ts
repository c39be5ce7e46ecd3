import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const MAIN = fileURLToPath(new URL('../../../installers/package/main.ts', import.meta.url));

it.each([
  [['--nonsense'], '--nonsense'],
  [['--target'], '--target'],
  [['--target', 'amiga'], 'amiga'],
  [['--add-on', 'rocm'], 'rocm'],
  [['--release-url', 'ftp://example.org'], 'ftp://example.org'],
  [['--installers=yes'], '--installers'],
  [['linux-x64'], 'linux-x64'],
])('npm run package rejects %j with an error and the usage', (args, word) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  const [first = ''] = stderr.split('\n');
  expect(first).toContain(word);
  expect(stderr).toContain('\n\nUsage: npm run package -- [options]\n');
  expect(stderr).not.toMatch(/\n {4}at /);
});
