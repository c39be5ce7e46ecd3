import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { stablePath } from '../../../host/registration/stable-path.ts';
import { describeOnPosix } from '../../support/describe-on-posix.ts';

describeOnPosix('stablePath', () => {
  let prefix: string;
  let program: string;
  beforeEach(() => {
    prefix = realpathSync(mkdtempSync(join(tmpdir(), 'tabagent-brew-')));
    program = join(prefix, 'Cellar/tabagent-host/0.1.0/libexec/tabagent-host');
    mkdirSync(join(program, '..'), { recursive: true });
    writeFileSync(program, '');
  });
  afterEach(() => rmSync(prefix, { recursive: true }));

  it('returns the link to a Homebrew program that survives an upgrade', () => {
    mkdirSync(join(prefix, 'opt'));
    symlinkSync('../Cellar/tabagent-host/0.1.0', join(prefix, 'opt/tabagent-host'));
    expect(stablePath(program)).toBe(join(prefix, 'opt/tabagent-host/libexec/tabagent-host'));
  });

  it('returns the path unchanged if there is no such link, or it has another target', () => {
    expect(stablePath(program)).toBe(program);
    mkdirSync(join(prefix, 'opt/tabagent-host/libexec'), { recursive: true });
    writeFileSync(join(prefix, 'opt/tabagent-host/libexec/tabagent-host'), 'another');
    expect(stablePath(program)).toBe(program);
    expect(stablePath('/usr/bin/node')).toBe('/usr/bin/node');
  });
});
