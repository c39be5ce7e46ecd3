import { execFile } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { damageOf, setAside as setDatabaseAside } from '../../../host/store/damaged-database.ts';
import { openStore } from '../../../host/store/store.ts';
import type { Namespace, Store } from '../../../host/store/types.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const WRITE_MANY = join(import.meta.dirname, '../../support/store/write-many.ts');

const onLinux = process.platform === 'linux' ? it : it.skip;
const onUnix = process.platform === 'win32' ? it.skip : it;

const folder = tempFolder('store');
afterAll(() => folder.remove());

describe('the store', () => {
  let file: string;
  let log: RecordedLog;
  let opened: Store[];
  let made = 0;

  beforeEach(() => {
    file = join(folder.path, `${made++}`, 'deeper', 'index.sqlite');
    log = new RecordedLog();
    opened = [];
  });
  afterEach(async () => {
    for (const store of opened) await store.close();
  });

  async function open(): Promise<Store> {
    const store = await openStore(file, log);
    opened.push(store);
    return store;
  }

  it('keeps values of every JSON type after it is reopened', async () => {
    const values = {
      text: 'naïve 💾',
      number: 2 ** 53 - 1,
      list: [1, null, { a: [] }],
      object: { 'a/b': true },
      no: false,
    };
    const first = await open();
    for (const [key, value] of Object.entries(values)) await first.namespace('things').set(key, value);
    await first.close();

    const things = (await open()).namespace('things');
    for (const [key, value] of Object.entries(values)) expect(await things.get(key)).toEqual(value);
    expect(await things.get('other')).toBeUndefined();
    expect(await things.getMany(['text', 'other', 'no'])).toEqual([values.text, undefined, false]);
    expect(log.lines).toEqual([]);
  });

  it('separates namespaces that use the same key', async () => {
    const store = await open();
    const [models, downloads] = [store.namespace('models'), store.namespace('downloads')];
    await models.set('same', 'model');
    await downloads.set('same', 'download');
    expect([await models.get('same'), await downloads.get('same')]).toEqual(['model', 'download']);
    await downloads.delete('same');
    expect([await models.get('same'), await downloads.get('same')]).toEqual(['model', undefined]);
    expect(await entriesOf(store, 'models')).toEqual([['same', 'model']]);
    expect(await entriesOf(store, 'downloads')).toEqual([]);
  });

  it('lists each entry of a namespace once, across several reads, with any characters in its key', async () => {
    const store = await open();
    const odd = ['', 'a:b', "it's", 'owner/name/Ünïcode.gguf', '%', '_', 'models:models:x'].filter((key) => key !== '');
    const keys = [...odd, ...Array.from({ length: 1_203 }, (_, n) => `owner/name/${n}.gguf`)];
    const things = store.namespace<{ key: string }>('things');
    for (const key of keys) await things.set(key, { key });
    const entries = await entriesOf(store, 'things');
    expect(entries.map(([key]) => key).sort()).toEqual(keys.toSorted());
    expect(entries.every(([key, value]) => (value as { key: string }).key === key)).toBe(true);
  });

  it('can be written while its entries are listed', async () => {
    const store = await open();
    const things = store.namespace<number>('things');
    for (let n = 0; n < 50; n++) await things.set(`${n}`, n);
    for await (const [key] of things.entries()) await things.delete(key);
    expect(await entriesOf(store, 'things')).toEqual([]);
  });

  it('deletes one key or many, and ignores keys that do not exist', async () => {
    const things = (await open()).namespace<number>('things');
    for (const key of ['a', 'b', 'c']) await things.set(key, 1);
    await things.deleteMany(['a', 'b', 'never']);
    await things.deleteMany([]);
    await things.delete('never');
    expect(await things.getMany(['a', 'b', 'c'])).toEqual([undefined, undefined, 1]);
    expect(await things.getMany([])).toEqual([]);
  });

  it('loses no write of three processes that write concurrently', async () => {
    const count = 150;
    const run = promisify(execFile);
    const here = (await open()).namespace<string>('shared');
    const others = ['left', 'right'].map((prefix) => run(process.execPath, [WRITE_MANY, file, prefix, `${count}`]));
    for (let n = 0; n < count; n++) await here.set(`here-${n}`, `here wrote ${n}`);
    await Promise.all(others);
    const expected = ['here', 'left', 'right'].flatMap((prefix) =>
      Array.from({ length: count }, (_, n) => [`${prefix}-${n}`, `${prefix} wrote ${n}`]),
    );
    expect((await entriesOf(await open(), 'shared')).sort()).toEqual(expected.sort());
  });

  it('shows the writes of one handle in another', async () => {
    const [one, other] = [(await open()).namespace('things'), (await open()).namespace('things')];
    await one.set('key', 1);
    expect(await other.get('key')).toBe(1);
    await other.set('key', 2);
    expect(await one.get('key')).toBe(2);
  });

  it('moves a file that is not a database aside, and creates a new database', async () => {
    const garbage = Buffer.alloc(20_000, 'not a database ');
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, garbage);
    const things = (await open()).namespace('things');
    await things.set('key', 'value');
    expect(await things.get('key')).toBe('value');
    const [aside = ''] = setAside();
    expect(readFileSync(join(file, '..', aside))).toEqual(garbage);
    expect(log.lines).toEqual([
      { level: 'error', event: 'store.corrupt', fields: expect.objectContaining({ file }) as never },
    ]);
  });

  it('is moved aside once if several processes find it damaged concurrently, and no write is lost', async () => {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, Buffer.alloc(20_000, 'not a database '));
    const run = promisify(execFile);
    const prefixes = ['one', 'two', 'three'];
    await Promise.all(prefixes.map((prefix) => run(process.execPath, [WRITE_MANY, file, prefix, '20'])));
    expect(setAside()).toHaveLength(1);
    expect(await entriesOf(await open(), 'shared')).toHaveLength(60);
  });

  it('keeps the database with which another host replaced a damaged one', async () => {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, Buffer.alloc(20_000, 'not a database '));
    const damage = await damageOf(file, 0);
    writeFileSync(`${file}.new`, 'of another host');
    renameSync(`${file}.new`, file);
    if (damage === undefined) throw new Error('No damage was found.');
    expect(await setDatabaseAside(file, damage)).toBeUndefined();
    expect(readFileSync(file, 'utf8')).toBe('of another host');
  });

  it('moves a truncated database aside, and creates a new one', async () => {
    const first = await open();
    for (let n = 0; n < 300; n++) await first.namespace('things').set(`${n}`, 'x'.repeat(500));
    await first.close();
    const whole = statSync(file).size;
    truncateSync(file, Math.floor(whole / 2 / 4096) * 4096);

    const things = (await open()).namespace('things');
    expect(await things.get('1')).toBeUndefined();
    await things.set('key', 'value');
    expect(await things.get('key')).toBe('value');
    expect(setAside()).toHaveLength(1);
    expect(statSync(join(file, '..', setAside()[0] ?? '')).size).toBeLessThan(whole);
  });

  it('treats an empty file as a new database', async () => {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, '');
    const things = (await open()).namespace('things');
    await things.set('key', 'value');
    expect(await things.get('key')).toBe('value');
    expect(setAside()).toEqual([]);
  });

  onUnix.each([
    ['everyone could read the file before', ''],
    ['it was damaged and replaced', 'garbage '.repeat(1000)],
  ])('can be read and written only by its user, even if %s', async (_what, content) => {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, content, { mode: 0o666 });
    chmodSync(file, 0o666);
    await (await open()).namespace('things').set('key', 'value');
    const modes = readdirSync(join(file, '..')).map((name) => [name, statSync(join(file, '..', name)).mode & 0o777]);
    expect(modes.length).toBeGreaterThan(0);
    expect(modes.filter(([, mode]) => mode !== 0o600)).toEqual([]);
  });

  onLinux('rejects with CACHE_NOT_WRITABLE and a remedy if its folder is not writable', async () => {
    // /sys rejects even root, unlike a folder's permissions.
    file = '/sys/tabagent-test/index.sqlite';
    await expect(open()).rejects.toMatchObject({
      code: 'CACHE_NOT_WRITABLE',
      message: expect.stringContaining('TABAGENT_HOME'),
      details: { file },
    });
  });

  it('rejects with CACHE_NOT_WRITABLE and the path if its folder is a file', async () => {
    mkdirSync(join(file, '../..'), { recursive: true });
    writeFileSync(join(file, '..'), 'in the way');
    await expect(open()).rejects.toMatchObject({ code: 'CACHE_NOT_WRITABLE', details: { file } });
    unlinkSync(join(file, '..'));
    await (await open()).namespace('things').set('key', 'value');
  });

  it('reads a read-only database, and writes to it when it is writable again', async () => {
    const first = await open();
    await first.namespace('things').set('key', { value: 1 });
    await first.close();
    opened = [];
    // SQLite cannot open its log for writing, not even for an administrator.
    mkdirSync(`${file}-wal`);
    const things = (await open()).namespace('things');
    expect(log.lines).toContainEqual(expect.objectContaining({ event: 'store.not-writable' }));
    expect(await things.get('key')).toEqual({ value: 1 });
    expect(await things.getMany(['none', 'key'])).toEqual([undefined, { value: 1 }]);
    expect(await Array.fromAsync(things.entries())).toEqual([['key', { value: 1 }]]);
    expect(await (opened[0] as Store).namespace('others').get('key')).toBeUndefined();
    await expect(things.set('key', 2)).rejects.toMatchObject({ code: 'CACHE_NOT_WRITABLE' });
    rmdirSync(`${file}-wal`);
    await things.set('key', 2);
    expect(await things.get('key')).toBe(2);
  });

  it('rejects the call if the database is damaged while it is open', async () => {
    const store = await open();
    const things = store.namespace('things');
    for (let n = 0; n < 300; n++) await things.set(`${n}`, 'x'.repeat(500));
    await store.close();
    const again = await open();
    // Opens the intact database, then overwrites every page but the first before the namespace is read.
    writeFileSync(file, Buffer.alloc(statSync(file).size - 4096, 0xff), { flag: 'r+' });
    await expect(again.namespace('things').get('1')).rejects.toMatchObject({ code: 'CACHE_ERROR' });
    opened = [];
  });

  it.each<[string, (things: Namespace<unknown>) => Promise<unknown>]>([
    ['get', (things) => things.get('key')],
    ['getMany', (things) => things.getMany(['key', 'other'])],
    ['set', (things) => things.set('key', 1)],
    ['delete', (things) => things.delete('key')],
    ['deleteMany', (things) => things.deleteMany(['key', 'other'])],
    ['entries', (things) => Array.fromAsync(things.entries())],
  ])('%s rejects when its table is missing, instead of returning an empty result', async (_what, ask) => {
    const things = (await open()).namespace<unknown>('things');
    await things.set('key', 'value');
    const database = new DatabaseSync(file);
    database.exec('DROP TABLE things');
    database.close();
    await expect(ask(things)).rejects.toMatchObject({ code: 'CACHE_ERROR', details: { file } });
  });

  it('rejects only the call that failed, not the calls that run at the same time', async () => {
    const things = (await open()).namespace<unknown>('things');
    await things.set('key', 'value');
    const database = new DatabaseSync(file);
    database.exec(
      "CREATE TRIGGER refuse BEFORE INSERT ON things WHEN NEW.key = 'bad' BEGIN SELECT RAISE(ABORT, 'refused'); END",
    );
    database.close();
    const circular: { self?: unknown } = {};
    circular.self = circular;

    const results = await Promise.allSettled([
      things.get('key'),
      things.set('bad', 1),
      things.getMany(['key', 'other']),
      things.set('circular', circular),
      things.set('good', 2),
      things.set('bad', 3),
      Array.fromAsync(things.entries()),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(await entriesOf(await open(), 'things')).toEqual([
      ['good', 2],
      ['key', 'value'],
    ]);
  });

  function setAside(): string[] {
    return readdirSync(join(file, '..')).filter((name) => /^index\.sqlite\.corrupt-\d+$/.test(name));
  }
});

async function entriesOf(store: Store, namespace: string): Promise<[string, unknown][]> {
  return Array.fromAsync(store.namespace(namespace).entries());
}
