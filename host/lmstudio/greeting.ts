import { request } from 'node:http';

/** Time limit for LM Studio's greeting, in milliseconds, as in `lms`. It usually takes a few milliseconds. */
const GREETING_MS = 500;

/** Maximum size of a greeting, in bytes. */
const MAX_BYTES = 1024;

/** Returns whether LM Studio's server, which sends a greeting on request, listens on a port of this computer. */
export function isLmStudioAt(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(GREETING_MS);
    const sent = request({ host: '127.0.0.1', port, path: '/lmstudio-greeting', agent: false, signal }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        text += piece;
        if (text.length > MAX_BYTES) answer.destroy();
      });
      answer.on('error', () => resolve(false));
      answer.on('close', () => resolve(answer.statusCode === 200 && isGreeting(text)));
    });
    // Nothing, or another program, listens on the port.
    sent.on('error', () => resolve(false));
    sent.end();
  });
}

function isGreeting(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'lmstudio' in value && value.lmstudio === true;
  } catch {
    return false;
  }
}
