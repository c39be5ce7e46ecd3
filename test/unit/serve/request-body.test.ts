import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { RequestBodies } from '../../../host/serve/request-body.ts';

const bodyOf = (bytes: number) => Readable.from([Buffer.from(JSON.stringify({ a: 'x'.repeat(bytes - 8) }))]);

describe('RequestBodies', () => {
  it('rejects a body that is too large, however it is split', async () => {
    const bodies = new RequestBodies(100, 1000);
    expect(await bodies.with(bodyOf(100), async ({ a }) => String(a).length)).toBe(92);
    await expect(bodies.with(bodyOf(101), async () => 0)).rejects.toMatchObject({ status: 413 });
    const drops = Readable.from(Array.from({ length: 101 }, () => Buffer.from(' ')));
    await expect(bodies.with(drops, async () => 0)).rejects.toMatchObject({ status: 413 });
  });

  it('limits the total size of the bodies of all running requests', async () => {
    const bodies = new RequestBodies(100, 150);
    const first = Promise.withResolvers<number>();
    const running = bodies.with(bodyOf(100), () => first.promise);
    await expect(bodies.with(bodyOf(100), async () => 0)).rejects.toMatchObject({ status: 429 });
    first.resolve(1);
    await running;
    expect(await bodies.with(bodyOf(100), async () => 2)).toBe(2);
  });
});
