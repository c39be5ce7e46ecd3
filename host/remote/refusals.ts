import type { IncomingMessage } from 'node:http';
import { isJsonObject } from '../common/json.ts';
import { retryAfter } from '../hub/retry.ts';
import type { Endpoint } from './endpoint.ts';
import { RemoteFault } from './remote-fault.ts';

/** Bytes read of an error's body. */
const MAX_ERROR_BYTES = 16 * 1024;

/** Characters of an engine's own words that are passed on. */
const MAX_SAID = 300;

/** The longest pause an engine's `Retry-After` is granted, milliseconds: a user waits for an answer meanwhile. */
const MAX_RETRY_AFTER_MS = 30_000;

/** What engines call a prompt that is too long: OpenAI and vLLM, llama-server. */
const TOO_LONG = ['context_length_exceeded', 'exceed_context_size_error'];

/** What an engine says of a fault. */
export interface SaidFault {
  /** Its words, safe to show; empty where it said nothing. */
  readonly message: string;
  readonly codes: readonly string[];
}

/** Makes a fault of an answer that is no success, and lets its body go. */
export async function refusal(
  answer: IncomingMessage,
  endpoint: Endpoint,
  key: string | undefined,
): Promise<RemoteFault> {
  const status = answer.statusCode ?? 0;
  const { name } = endpoint;
  const details = { engine: name, status };
  if (status >= 300 && status < 400) {
    answer.destroy();
    return new RemoteFault(
      'REDIRECT_REFUSED',
      `The engine "${name}" redirects elsewhere, which is not followed: the key is for the address in config.json alone. Put the address it is at now there.`,
      { details },
    );
  }
  const said = readSaid(await readSome(answer), key);
  const words = said.message === '' ? '' : ` It says: ${said.message}`;
  switch (status) {
    case 401:
    case 403:
      // What it says may show a part of the key.
      return new RemoteFault(
        'UNAUTHORIZED',
        key === undefined
          ? `The engine "${name}" asks for a key. Give it one with SET_REMOTE_KEY, or name a variable by \`keyVariable\` in config.json.`
          : `The engine "${name}" refused its key. Set another with SET_REMOTE_KEY, or in the variable config.json names.`,
        { details },
      );
    case 404:
      return new RemoteFault('REMOTE_ERROR', `The engine "${name}" knows nothing of what it was asked for.${words}`, {
        details,
      });
    case 429:
      return comeBackLater(answer, { code: 'RATE_LIMITED', said, words, details, name });
    case 400:
    case 413:
    case 422:
      return refusedRequest(said, endpoint, details);
    case 408:
    case 502:
    case 503:
    case 504:
    case 529:
      return comeBackLater(answer, { code: 'REMOTE_UNREACHABLE', said, words, details, name });
    default:
      return new RemoteFault('REMOTE_ERROR', `The engine "${name}" answered with status ${status}.${words}`, {
        details,
      });
  }
}

/** A fault an engine tells of, within an answer that began as a success or instead of one. */
export function refusedRequest(
  said: SaidFault,
  { name }: Pick<Endpoint, 'name'>,
  details: Record<string, unknown>,
): RemoteFault {
  const words = said.message === '' ? '' : ` It says: ${said.message}`;
  if (said.codes.some((code) => TOO_LONG.includes(code))) {
    return new RemoteFault('CONTEXT_OVERFLOW', `The prompt is too long for the engine "${name}".${words}`, { details });
  }
  return new RemoteFault('INVALID_REQUEST', `The engine "${name}" refused the request.${words}`, { details });
}

/** Reads `{"error": {"message", "code", "type"}}`, or `{"error": "…"}`, out of whatever came. */
export function readSaid(text: string, key: string | undefined): SaidFault {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // A page of a proxy, for example: nothing a person wants to read in an error.
    return { message: '', codes: [] };
  }
  const error = isJsonObject(value) ? (value.error ?? value) : undefined;
  if (typeof error === 'string') return { message: shown(error, key), codes: [] };
  if (!isJsonObject(error)) return { message: '', codes: [] };
  return {
    message: typeof error.message === 'string' ? shown(error.message, key) : '',
    codes: [error.code, error.type].filter((code) => typeof code === 'string'),
  };
}

function shown(text: string, key: string | undefined): string {
  const clean = text.replace(/[\p{C}\s]+/gu, ' ').trim();
  const safe = key === undefined ? clean : clean.replaceAll(key, '[the key]');
  return safe.length <= MAX_SAID ? safe : `${safe.slice(0, MAX_SAID).toWellFormed()} …`;
}

/** A refusal for now. Where the engine names a time longer than anybody waits for, it is told at once instead. */
function comeBackLater(
  { headers }: IncomingMessage,
  fault: {
    code: 'RATE_LIMITED' | 'REMOTE_UNREACHABLE';
    said: SaidFault;
    words: string;
    details: Record<string, unknown>;
    name: string;
  },
): RemoteFault {
  const { code, said, words, details, name } = fault;
  const retryAfterMs = retryAfter(headers);
  const what =
    code === 'RATE_LIMITED'
      ? `The engine "${name}" takes no more requests just now.`
      : `The engine "${name}" is not ready.`;
  // A budget that is used up is not filled by waiting.
  const isUsedUp = said.codes.includes('insufficient_quota');
  if (!isUsedUp && (retryAfterMs === undefined || retryAfterMs <= MAX_RETRY_AFTER_MS)) {
    return new RemoteFault(code, `${what} Try again later.${words}`, { transient: true, retryAfterMs, details });
  }
  if (retryAfterMs === undefined) return new RemoteFault(code, `${what}${words}`, { details });
  const retryAfterSeconds = Math.ceil(retryAfterMs / 1000);
  return new RemoteFault(code, `${what} It asks to be left alone for ${retryAfterSeconds} seconds.${words}`, {
    details: { ...details, retryAfterSeconds },
  });
}

/** The beginning of a body. What breaks it off, or is too slow, ends it: the status has said what matters. */
async function readSome(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= MAX_ERROR_BYTES) break;
    }
  } catch {
    return '';
  } finally {
    answer.destroy();
  }
  return Buffer.concat(pieces).toString('utf8');
}
