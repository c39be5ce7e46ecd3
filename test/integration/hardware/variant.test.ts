import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { variantOf } from '../../../host/engine/runner/cpu-variant.ts';
import { Hardware } from '../../../host/hardware/hardware.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { RECORDED_CPUS } from '../../support/snapshots/cpus.ts';

const ROOT = join(import.meta.dirname, '../../..');
const LOADED_VARIANT = join(ROOT, 'test/support/engine/loaded-variant.ts');

// On Apple silicon there is one library, whose name does not identify the build.
const whereNamed = process.platform === 'darwin' ? it.skip : it;

describe('the variant of this machine', () => {
  whereNamed('is the one ggml loads', async () => {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME };
    const { stdout } = await promisify(execFile)(process.execPath, [LOADED_VARIANT], { env, cwd: ROOT });
    const { variant: loaded } = JSON.parse(stdout) as { variant: string | null };
    const { variant } = await new Hardware({ log: new RecordedLog(), env: process.env }).cpu();
    expect(variant).toBe(loaded);
  });
});

const PACKAGES = [
  ['linux-x64', 'linux', 'x64'],
  ['linux-arm64', 'linux', 'arm64'],
  ['win-x64', 'win32', 'x64'],
] as const;

describe("the CPU builds in node-llama-cpp's packages", () => {
  for (const [name, platform, architecture] of PACKAGES) {
    const folder = join(ROOT, `node_modules/@node-llama-cpp/${name}/bins/${name}`);
    // npm may install only packages for its platform.
    const whereInstalled = existsSync(folder) ? it : it.skip;

    whereInstalled(`of ${name} have those the recorded CPUs get`, () => {
      const builds = new Set(readdirSync(folder).map(variantOf));
      const chosen = RECORDED_CPUS.filter(
        ({ facts, variant }) => facts.platform === platform && facts.architecture === architecture && variant !== null,
      ).map(({ variant }) => variant);
      expect(chosen.length).toBeGreaterThan(0);
      expect(chosen.filter((variant) => !builds.has(variant))).toEqual([]);
    });
  }
});
