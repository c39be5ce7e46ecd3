import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { unsign } from '../../../installers/package/unsign.ts';

/** As little of a 64-bit Windows program as has a place for a signature. */
function program({ signature }: { signature: Buffer }): Buffer {
  const image = Buffer.alloc(0x200, 0);
  image.writeUInt32LE(0x80, 0x3c);
  image.write('PE\0\0', 0x80);
  image.writeUInt16LE(0x20b, 0x98);
  image.writeUInt32LE(0x1234, 0x98 + 64);
  if (signature.length > 0) {
    image.writeUInt32LE(image.length, 0x98 + 144);
    image.writeUInt32LE(signature.length, 0x98 + 148);
  }
  return Buffer.concat([image, signature]);
}

describe('taking the signature off a Windows program', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tabagent-unsign-'));
    file = join(folder, 'node.exe');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('leaves the program without the signature, and without a word of it', async () => {
    await writeFile(file, program({ signature: Buffer.alloc(64, 7) }));
    unsign(file);
    const unsigned = program({ signature: Buffer.alloc(0) });
    unsigned.writeUInt32LE(0, 0x98 + 64);
    expect(await readFile(file)).toEqual(unsigned);
  });

  it('leaves one that has none as it is', async () => {
    await writeFile(file, program({ signature: Buffer.alloc(0) }));
    unsign(file);
    expect(await readFile(file)).toEqual(program({ signature: Buffer.alloc(0) }));
  });

  it('refuses what it does not know', async () => {
    await writeFile(file, Buffer.alloc(0x200));
    expect(() => unsign(file)).toThrow('Expected');
    await writeFile(file, Buffer.concat([program({ signature: Buffer.alloc(64, 7) }), Buffer.from('more')]));
    expect(() => unsign(file)).toThrow('behind the signature');
  });
});
