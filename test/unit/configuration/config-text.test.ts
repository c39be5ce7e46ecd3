import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { MAX_CONFIG_BYTES, readConfigJson } from '../../../host/configuration/config-text.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('config');
afterAll(() => folder.remove());

describe('a configuration file', () => {
  it('is read up to the size limit, and rejected above it', () => {
    const file = join(folder.path, 'large.json');
    writeFileSync(file, `{}${' '.repeat(MAX_CONFIG_BYTES - 2)}`, { mode: 0o600 });
    expect(readConfigJson(file)).toEqual({});
    writeFileSync(file, `{}${' '.repeat(MAX_CONFIG_BYTES - 1)}`);
    expect(() => readConfigJson(file)).toThrow(expect.objectContaining({ code: 'CONFIG_UNUSABLE' }));
  });

  (process.platform === 'win32' ? it.skip : it)('is not a pipe, which may never end', () => {
    const pipe = join(folder.path, 'pipe.json');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    expect(() => readConfigJson(pipe)).toThrow(/is not a file of at most 1 MiB/);
  });
});
