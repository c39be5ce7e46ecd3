import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { removeSignature } from '../../../installers/package/remove-signature.ts';

/** Returns a minimal 64-bit Windows program with this signature. */
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

describe('removeSignature', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tabagent-signature-'));
    file = join(folder, 'node.exe');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('removes the signature and the reference to it', async () => {
    await writeFile(file, program({ signature: Buffer.alloc(64, 7) }));
    removeSignature(file);
    const unsigned = program({ signature: Buffer.alloc(0) });
    unsigned.writeUInt32LE(0, 0x98 + 64);
    expect(await readFile(file)).toEqual(unsigned);
  });

  it('does not change an unsigned program', async () => {
    await writeFile(file, program({ signature: Buffer.alloc(0) }));
    removeSignature(file);
    expect(await readFile(file)).toEqual(program({ signature: Buffer.alloc(0) }));
  });

  it('rejects other files and programs with data behind the signature', async () => {
    await writeFile(file, Buffer.alloc(0x200));
    expect(() => removeSignature(file)).toThrow('Expected');
    await writeFile(file, Buffer.concat([program({ signature: Buffer.alloc(64, 7) }), Buffer.from('more')]));
    expect(() => removeSignature(file)).toThrow('no data behind the signature');
  });
});
