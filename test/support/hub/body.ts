import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './faults.ts';

/** Sends a response body, optionally at a limited speed or with a fault. */
export async function sendBody(
  response: ServerResponse,
  source: Readable,
  options: { start: number; fault: Fault | undefined; bytesPerSecond: number | undefined },
): Promise<void> {
  const { fault, bytesPerSecond } = options;
  const start = performance.now();
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  const write = async (bytes: Buffer) => {
    if (response.destroyed || bytes.length === 0 || response.write(bytes)) return;
    await Promise.race([new Promise<void>((resolve) => response.once('drain', resolve)), closed]);
  };
  let sent = 0;
  try {
    for await (const chunk of source) {
      let bytes: Buffer = chunk;
      if (fault?.kind === 'wrongBytes') bytes = withWrongByte(bytes, fault.at - options.start - sent);
      if (fault?.kind === 'cut' || fault?.kind === 'stall') {
        if (sent + bytes.length > fault.after) {
          await write(bytes.subarray(0, Math.max(0, fault.after - sent)));
          // Waits until everything has been written before it cuts the connection.
          if (fault.kind === 'cut') response.write('', () => response.destroy());
          return;
        }
      }
      await write(bytes);
      sent += bytes.length;
      if (response.destroyed) return;
      if (bytesPerSecond !== undefined) {
        const due = (sent / bytesPerSecond) * 1000 - (performance.now() - start);
        if (due > 0) await delay(due);
      }
    }
  } finally {
    source.destroy();
  }
  if (fault?.kind === 'cut') response.destroy();
  else if (fault?.kind === 'shorter' || fault?.kind === 'longer') response.socket?.end();
  else if (fault?.kind !== 'stall') response.end();
}

function withWrongByte(bytes: Buffer, at: number): Buffer {
  if (at < 0 || at >= bytes.length) return bytes;
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 0xff;
  return changed;
}
