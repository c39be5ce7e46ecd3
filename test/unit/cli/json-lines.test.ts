import { expect, it } from '@jest/globals';
import { readJsonLines } from '../../../host/cli/json-lines.ts';

async function* pieces(text: string, length: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

it.each([1_000, 65_536, 10_000_000])(
  'a line that is too long is detected in chunks of any size (%i bytes at a time)',
  async (length) => {
    const input = pieces(`{"a":1}\n"${'x'.repeat(1_050_000)}"\n`, length);
    await expect(Array.fromAsync(readJsonLines(input, 'it'))).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: 'Invalid line 2 in it: expected at most 1048576 characters.',
    });
  },
);
