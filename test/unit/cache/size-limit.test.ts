import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readSizeLimit } from '../../../host/cache/size-limit.ts';
import { parseSize } from '../../../host/common/parse-size.ts';
import { quickConfig } from '../../support/cache/cache-fixture.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('limit');
afterAll(() => folder.remove());

describe('parseSize', () => {
  it.each([
    ['50GB', 50e9],
    ['1.5 TB', 1.5e12],
    ['20GiB', 20 * 2 ** 30],
    ['20 gib', 20 * 2 ** 30],
    ['512M', 512e6],
    ['1000000', 1e6],
    [123, 123],
    [0, 0],
  ])('reads %j as %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'GB', '-1GB', '1e9', '5 PB', '1 GB more', '99999999999999999999', Number.NaN, -1, 1.5, null, {}])(
    'rejects %j',
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );
});

describe('the size limit', () => {
  const read = (env: NodeJS.ProcessEnv = {}) => readSizeLimit(quickConfig({ TABAGENT_HOME: folder.path, ...env }));
  const configure = (config: object) =>
    writeFileSync(join(folder.path, 'config.json'), JSON.stringify(config), { mode: 0o600 });

  it('is infinite if none is set', async () => {
    expect(await read()).toBe(Number.POSITIVE_INFINITY);
  });

  it('is read from the environment or config.json, in this order', async () => {
    configure({ cacheLimit: '50GB' });
    expect(await read()).toBe(50e9);
    expect(await read({ TABAGENT_CACHE_LIMIT: '1GB' })).toBe(1e9);
  });

  it.each(['utf8', 'utf16le'] as const)(
    'is read from a config.json that begins with a byte order mark: %s',
    async (encoding) => {
      writeFileSync(join(folder.path, 'config.json'), '\uFEFF{"cacheLimit": "7GB"}\r\n', { mode: 0o600, encoding });
      expect(await read()).toBe(7e9);
    },
  );

  it('is reported if it is invalid', async () => {
    writeFileSync(join(folder.path, 'config.json'), Buffer.from('{"cacheLimit": "7GB", "x": "\xf6"}', 'latin1'));
    await expect(read()).rejects.toMatchObject({ code: 'CONFIG_UNUSABLE' });
    configure({ cacheLimit: 'plenty' });
    await expect(read()).rejects.toMatchObject({ code: 'CONFIG_UNUSABLE' });
    await expect(read({ TABAGENT_CACHE_LIMIT: '-1' })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });
});
