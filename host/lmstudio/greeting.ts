import { request } from 'node:http';

/** Longest LM Studio may take to send its greeting, in milliseconds: it takes a few. `lms` itself allows 500. */
const GREETING_MS = 500;

/** Longest greeting read, in bytes. */
const MAX_BYTES = 1024;

/** Returns whether LM Studio listens on a port of this machine: its server sends a greeting on request. */
export function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(GREETING_MS);
    const asked = request({ host: '127.0.0.1', port, path: '/lmstudio-greeting', agent: false, signal }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        text += piece;
        if (text.length > MAX_BYTES) answer.destroy();
      });
      answer.on('error', () => resolve(false));
      answer.on('close', () => resolve(answer.statusCode === 200 && isGreeting(text)));
    });
    // Nothing, or another program, listens there.
    asked.on('error', () => resolve(false));
    asked.end();
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
