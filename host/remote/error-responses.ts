import type { IncomingMessage } from 'node:http';
import { isJsonObject } from '../common/json.ts';
import { parseJson } from '../common/json-limits.ts';
import { requestedWaitMs } from '../hub/requested-wait.ts';
import type { Endpoint } from './endpoint.ts';
import { RemoteError } from './remote-error.ts';

/** Maximum number of bytes read from the body of an error response. */
const MAX_ERROR_BYTES = 16 * 1024;

/** Maximum number of characters of an engine's message that are included in an error. */
const MAX_MESSAGE = 300;

/** Maximum `Retry-After` for which a request is retried, in milliseconds: the user is waiting for the answer. */
const MAX_RETRY_AFTER_MS = 30_000;

/** Error codes for a prompt that is too long: of OpenAI and vLLM, and of llama-server. */
const TOO_LONG = ['context_length_exceeded', 'exceed_context_size_error'];

/** An error that an engine reports. */
export interface ReportedError {
  /** Sanitized message; empty if the engine did not send one. */
  readonly message: string;
  readonly codes: readonly string[];
}

/** Converts an error response to an error. */
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
      // The engine's message is omitted, because it may contain a part of the key.
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

/** Returns the error for a request that an engine rejected, with a status or within a stream. */
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

/** Parses `{"error": {"message", "code", "type"}}` or `{"error": "…"}`; returns an empty message for any other text. */
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
 * Returns the error for a request that may succeed later. It is not transient if the engine asks for a longer pause
 * than {@link MAX_RETRY_AFTER_MS}.
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
  // A used-up quota is not renewed by waiting.
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

/** Reads the beginning of a body. Returns an empty string if it cannot be read, because the status is sufficient. */
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
 * Returns the error for an incomplete answer. It is transient only if no text has been sent to the client, because text
 * cannot be retracted.
 */
export function interrupted(engine: string, pieces: number, how: string): RemoteError {
  return new RemoteError('REMOTE_CUT', `The answer of remote engine "${engine}" is incomplete: ${how}.`, {
    transient: pieces === 0,
    details: { engine, pieces },
  });
}

/** Returns the error for an engine that does not respond in time. */
export function noResponse(engine: string, ms: number): RemoteError {
  return new RemoteError(
    'REMOTE_UNREACHABLE',
    `Remote engine "${engine}" did not respond within ${ms / 1000} seconds.`,
    {
      details: { engine, timeoutSeconds: ms / 1000 },
    },
  );
}

/** Returns the error for a response that does not conform to the API. */
export function unexpectedResponse(engine: string, expected: string, found = 'something else'): RemoteError {
  return new RemoteError(
    'REMOTE_ERROR',
    `Unexpected response from remote engine "${engine}": expected ${expected}, got ${found}. Check that its address is an OpenAI-compatible API.`,
    { details: { engine, expected } },
  );
}

/** Returns the error for an error that an engine reported within a stream. */
export function generationFailed(engine: string, reported: ReportedError): RemoteError {
  const overflow = rejectedRequest(reported, { name: engine }, { engine });
  if (overflow.code === 'CONTEXT_OVERFLOW') return overflow;
  const words = reported.message === '' ? '' : ` Its message: ${reported.message}`;
  return new RemoteError('GENERATION_FAILED', `Remote engine "${engine}" failed to generate an answer.${words}`, {
    details: { engine },
  });
}

/** Returns the error for an answer that the engine's content filter cut off. */
export function contentFiltered(engine: string): RemoteError {
  return new RemoteError(
    'GENERATION_FAILED',
    `Remote engine "${engine}" blocked the rest of the answer (content filter).`,
    {
      details: { engine, reason: 'content_filter' },
    },
  );
}
