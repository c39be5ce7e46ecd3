import { describe, expect, it } from '@jest/globals';
import { eachShard, presentShards, shardFiles } from '../../../host/protocol/shards.ts';

describe('shardFiles', () => {
  it('returns all files of a split model, whichever is given', () => {
    const all = ['q/m-00001-of-00003.gguf', 'q/m-00002-of-00003.gguf', 'q/m-00003-of-00003.gguf'];
    for (const part of all) expect(shardFiles(part)).toEqual(all);
  });

  it.each(['m.gguf', 'm-00004-of-00003.gguf', 'm-00000-of-00003.gguf', 'm-1-of-3.gguf', 'm-00001-of-99999.gguf'])(
    'takes %s as a file of its own',
    (file) => expect(shardFiles(file)).toEqual([file]),
  );
});

describe('presentShards', () => {
  const all = [...eachShard('m-00001-of-00003.gguf')];

  it('returns all files if all exist, and undefined if one is missing', () => {
    expect(presentShards('m-00002-of-00003.gguf', new Set(all))).toEqual(all);
    expect(presentShards('m-00002-of-00003.gguf', new Set(all.slice(1)))).toBeUndefined();
  });

  it('stops at the first missing file', () => {
    const asked: string[] = [];
    const present = { has: (file: string) => asked.push(file) < 3 } as unknown as ReadonlySet<string>;
    expect(presentShards('m-00001-of-01000.gguf', present)).toBeUndefined();
    expect(asked).toHaveLength(3);
  });
});
