import { type ResponseBody, unreachable } from './http.ts';
import { HubFault } from './hub-fault.ts';

/**
 * The bytes of a body of which the length is known beforehand. Fails, with a fault that says so, when it ends early or
 * goes on, and when the connection breaks or stalls. Leaving the loop early closes the connection.
 */
export async function* exactBytes(
  body: ResponseBody,
  expected: number,
  url: URL,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let received = 0;
  try {
    for await (const chunk of body) {
      received += chunk.length;
      if (received > expected) throw wrongLength(url, expected, 'more');
      yield chunk;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(error, url);
  }
  if (received < expected) throw wrongLength(url, expected, String(received));
}

function wrongLength(url: URL, expected: number, found: string): HubFault {
  return new HubFault(
    'HUB_UNREACHABLE',
    `The download from ${url.origin} was interrupted after ${found} of ${expected} bytes.`,
    {
      transient: true,
      details: { host: url.host, expected, found },
    },
  );
}
