import { describe, expect, it } from '@jest/globals';
import { addEntries, entryOf, type RecordEntry, replaceEntries } from '../../../host/registration/record.ts';

const file = (path: string, ...digests: string[]): RecordEntry => ({ kind: 'file', path, digests, browsers: [] });
const key = (name: string, ...values: string[]): RecordEntry => ({ kind: 'key', key: name, values, browsers: [] });
const record = (...entries: RecordEntry[]) => ({ version: 1 as const, entries, folders: ['/made'] });

describe('the installation record', () => {
  it('contains old and new contents during an installation, because either may exist if it is interrupted', () => {
    const before = record(file('/a', 'old'), file('/b', 'b'), key('K', 'old'));
    expect(addEntries(before, [file('/a', 'new'), key('K', 'new'), file('/c', 'c')])).toEqual(
      record(file('/a', 'new', 'old'), file('/b', 'b'), key('K', 'new', 'old'), file('/c', 'c')),
    );
  });

  it('contains only the new contents after they are written', () => {
    expect(replaceEntries(record(file('/a', 'new', 'old'), file('/b', 'b')), [file('/a', 'new')])).toEqual(
      record(file('/a', 'new'), file('/b', 'b')),
    );
  });

  it('identifies a file by the SHA-256 of its contents', () => {
    const target = { kind: 'file', path: '/a', contents: 'abc', mode: 0o644, folderMode: 0o700, browsers: [] } as const;
    expect(entryOf(target)).toEqual(file('/a', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'));
  });
});
