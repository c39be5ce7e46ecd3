import type { IncomingMessage } from 'node:http';
import { isJsonObject } from '../common/json.ts';
import { parseJson } from '../common/json-limits.ts';
import { requestedWaitMs } from '../hub/requested-wait.ts';
import type { Endpoint } from './endpoint.ts';
import { RemoteError } from './remote-error.ts';

/** Bytes read of an error's body. */
const MAX_ERROR_BYTES = 16 * 1024;

/** Characters of an engine's message that are passed on. */
const MAX_MESSAGE = 300;

/** Longest `Retry-After` that is waited for, in milliseconds: a user waits for the answer meanwhile. */
const MAX_RETRY_AFTER_MS = 30_000;

/** Error codes for a prompt that is too long: of OpenAI and vLLM, of llama-server. */
const TOO_LONG = ['context_length_exceeded', 'exceed_context_size_error'];

/** An error as an engine reports it. */
export interface ReportedError {
  /** Safe to show; empty where the engine sent none. */
  readonly message: string;
  readonly codes: readonly string[];
}

/** Converts a response that is no success into an error. */
export async function responseError(
  response: IncomingMessage,
  endpoint: Endpoint,
  key: string | undefined,
): Promise<RemoteError> {
  const status = response.statusCode ?? 0;
  const { name } = endpoint;
  const details = { engine: name, status };
  if (status >= 300 && status < 400) {
    response.destroy();
    return new RemoteError(
      'REDIRECT_REFUSED',
      `Remote engine "${name}" redirected to another address, which is not allowed. Enter its new address in config.json.`,
      { details },
    );
  }
  const reported = readReportedError(await readSome(response), key);
  const words = reported.message === '' ? '' : ` Its message: ${reported.message}`;
  switch (status) {
    case 401:
    case 403:
      // The engine's message may show a part of the key.
      return new RemoteError(
        'UNAUTHORIZED',
        key === undefined
          ? `Remote engine "${name}" requires an API key. Add one.`
          : `Remote engine "${name}" rejected the API key. Replace it.`,
        { details },
      );
    case 404:
      return new RemoteError('REMOTE_ERROR', `Remote engine "${name}" does not support this request.${words}`, {
        details,
      });
    case 429:
      return tryAgainLater(response, { code: 'RATE_LIMITED', reported, words, details, name });
    case 400:
    case 413:
    case 422:
      return rejectedRequest(reported, endpoint, details);
    case 408:
    case 502:
    case 503:
    case 504:
    case 529:
      return tryAgainLater(response, { code: 'REMOTE_UNREACHABLE', reported, words, details, name });
    default:
      return new RemoteError('REMOTE_ERROR', `Remote engine "${name}" returned an error (status ${status}).${words}`, {
        details,
      });
  }
}

/** The error for a request that an engine rejects, with a status or within a stream. */
export function rejectedRequest(
  reported: ReportedError,
  { name }: Pick<Endpoint, 'name'>,
  details: Record<string, unknown>,
): RemoteError {
  const words = reported.message === '' ? '' : ` Its message: ${reported.message}`;
  if (reported.codes.some((code) => TOO_LONG.includes(code))) {
    return new RemoteError(
      'CONTEXT_OVERFLOW',
      `The prompt is too long for remote engine "${name}".${words} Shorten it.`,
      { details },
    );
  }
  return new RemoteError('INVALID_REQUEST', `Remote engine "${name}" rejected the request.${words}`, { details });
}

/** Reads `{"error": {"message", "code", "type"}}` or `{"error": "…"}`; empty for any other text. */
export function readReportedError(text: string, key: string | undefined): ReportedError {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    // For example a proxy's HTML page.
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
  return safe.length <= MAX_MESSAGE ? safe : `${safe.slice(0, MAX_MESSAGE).toWellFormed()} …`;
}

/**
 * The error for a request that may succeed later; not transient where the engine asks for a longer wait than allowed.
 */
function tryAgainLater(
  { headers }: IncomingMessage,
  error: {
    code: 'RATE_LIMITED' | 'REMOTE_UNREACHABLE';
    reported: ReportedError;
    words: string;
    details: Record<string, unknown>;
    name: string;
  },
): RemoteError {
  const { code, reported, words, details, name } = error;
  const retryAfterMs = requestedWaitMs(headers);
  const what =
    code === 'RATE_LIMITED' ? `Remote engine "${name}" is limiting requests.` : `Remote engine "${name}" is not ready.`;
  // Waiting does not renew a quota that is used up.
  const isUsedUp = reported.codes.includes('insufficient_quota');
  if (!isUsedUp && (retryAfterMs === undefined || retryAfterMs <= MAX_RETRY_AFTER_MS)) {
    return new RemoteError(code, `${what} Try again later.${words}`, { transient: true, retryAfterMs, details });
  }
  if (retryAfterMs === undefined) return new RemoteError(code, `${what}${words}`, { details });
  const retryAfterSeconds = Math.ceil(retryAfterMs / 1000);
  return new RemoteError(code, `${what} Try again in ${retryAfterSeconds} seconds.${words}`, {
    details: { ...details, retryAfterSeconds },
  });
}

/** Reads the beginning of a body; empty where it cannot be read, since the status says enough. */
async function readSome(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= MAX_ERROR_BYTES) break;
    }
  } catch {
    return '';
  } finally {
    response.destroy();
  }
  return Buffer.concat(pieces).toString('utf8');
}

/**
 * The error for an answer without its end. Text that was passed on cannot be taken back, so it is transient before
 * that.
 */
export function interrupted(engine: string, pieces: number, how: string): RemoteError {
  return new RemoteError('REMOTE_CUT', `The answer of remote engine "${engine}" is incomplete: ${how}.`, {
    transient: pieces === 0,
    details: { engine, pieces },
  });
}

/** The error for an engine that does not respond in time. */
export function noResponse(engine: string, ms: number): RemoteError {
  return new RemoteError(
    'REMOTE_UNREACHABLE',
    `Remote engine "${engine}" did not respond within ${ms / 1000} seconds.`,
    {
      details: { engine, timeoutSeconds: ms / 1000 },
    },
  );
}

/** The error for a response that does not follow the API. */
export function unexpectedResponse(engine: string, expected: string, found = 'something else'): RemoteError {
  return new RemoteError(
    'REMOTE_ERROR',
    `Unexpected response from remote engine "${engine}": expected ${expected}, got ${found}. Check that its address is an OpenAI-compatible API.`,
    { details: { engine, expected } },
  );
}

/** The error for one that an engine reports within a stream. */
export function generationFailed(engine: string, reported: ReportedError): RemoteError {
  const overflow = rejectedRequest(reported, { name: engine }, { engine });
  if (overflow.code === 'CONTEXT_OVERFLOW') return overflow;
  const words = reported.message === '' ? '' : ` Its message: ${reported.message}`;
  return new RemoteError('GENERATION_FAILED', `Remote engine "${engine}" failed to generate an answer.${words}`, {
    details: { engine },
  });
}

/** The error for an answer that the engine's content filter cut off. */
export function contentFiltered(engine: string): RemoteError {
  return new RemoteError(
    'GENERATION_FAILED',
    `Remote engine "${engine}" blocked the rest of the answer (content filter).`,
    {
      details: { engine, reason: 'content_filter' },
    },
  );
}
