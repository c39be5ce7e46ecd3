import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findProgram } from '../support/find-program.ts';
import { ROOT } from './support/packaged-host.ts';

const npm = (cwd: string, ...args: string[]) =>
  execFileSync(findProgram('npm') ?? 'npm', [...args, '--silent', '--no-audit', '--no-fund'], {
    cwd,
    encoding: 'utf8',
  });

describe('the library package in a separate project', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tabagent-library-'));
    writeFileSync(
      join(folder, 'package.json'),
      '{ "name": "project", "version": "1.0.0", "type": "module", "private": true }',
    );
    const [file = ''] = npm(ROOT, 'pack', '--ignore-scripts', '--pack-destination', folder)
      .trim()
      .split('\n')
      .slice(-1);
    // The llama.cpp binaries for GPUs are optional and large.
    npm(folder, 'install', '--omit=optional', `./${file}`);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('installs only required dependencies, and compiles nothing', () => {
    const names = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(names.sort()).toEqual(['@napi-rs', 'tabagent-host']);
  });

  it('has types that do not depend on other packages', () => {
    writeFileSync(
      join(folder, 'use.ts'),
      `import { createHost } from 'tabagent-host';
const host = createHost({ home: '/nowhere', env: { HF_HUB_OFFLINE: '1' } });
export const stop = host.onEvent((event) => {
  if (event.type === 'MODEL_UNLOADED') { const id: string = event.payload.modelId; void id; }
});
export const reply: string = await host.handleMessage('{"action":"PING"}');
// @ts-expect-error: the argument is JSON
void host.handleMessage({ action: 'PING' });
`,
    );
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023'],
      types: [],
      strict: true,
      noEmit: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  it('creates a host that replies', () => {
    const program = `import { createHost } from 'tabagent-host';
const host = createHost({ home: ${JSON.stringify(join(folder, 'home'))} });
process.stdout.write(await host.handleMessage('{"action":"PING"}'));
await host.close();`;
    writeFileSync(join(folder, 'use.mjs'), program);
    const stdout = execFileSync(process.execPath, [join(folder, 'use.mjs')], { encoding: 'utf8' });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'success', response: 'pong' });
  });
});
