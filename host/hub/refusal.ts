import type { IncomingHttpHeaders } from 'node:http';
import { parseJson } from '../common/json-limits.ts';
import { fromLatin1 } from './header-text.ts';
import type { HttpResponse } from './http.ts';
import { requestedWaitMs } from './requested-wait.ts';

/** Maximum number of bytes read from an error response. The hub's have a few hundred. */
const MAX_BODY_BYTES = 16 * 1024;
/** Time limit for reading them, in milliseconds: the status already contains the most important information. */
const MAX_BODY_MS = 2_000;
/** Maximum length of a reason, in characters. */
const MAX_REASON_LENGTH = 300;

/** Values of `X-Error-Code` that concern the repository or the file. */
export const HUB_REASONS: ReadonlySet<unknown> = new Set([
  'GatedRepo',
  'RepoNotFound',
  'RevisionNotFound',
  'EntryNotFound',
]);

/** An error response of a server: its status and the server's reason. */
export interface Refusal {
  readonly status: number;
  /** `X-Error-Code`: the hub's code for the reason. */
  readonly code: string | undefined;
  /** Human-readable reason: one line without control characters and without anything that looks like a secret. */
  readonly reason: string | undefined;
  /** How long the server asks to wait before the next request, in milliseconds. */
  readonly waitMs: number | undefined;
}

/**
 * Reads a refusal from the headers of an error response. Source of the first two: huggingface_hub's
 * `hf_raise_for_status`.
 */
export function refusalOf(status: number, headers: IncomingHttpHeaders, secrets: readonly string[] = []): Refusal {
  const code = /^[\w.-]{1,64}$/.exec(String(headers['x-error-code'] ?? '').trim())?.[0];
  const message = headers['x-error-message'];
  const reason = message === undefined ? undefined : readable(fromLatin1(String(message)), secrets);
  return { status, code, reason, waitMs: requestedWaitMs(headers) };
}

/**
 * Reads a refusal from an error response and discards the rest of the body. The reason is `X-Error-Message`, otherwise
 * `error` or `message` in a JSON body, otherwise a plain text body.
 *
 * @param secrets Strings to remove from the reason, such as the token: a server may repeat them.
 */
export async function readRefusal(
  response: HttpResponse,
  options: { secrets?: readonly string[]; signal?: AbortSignal | undefined } = {},
): Promise<Refusal> {
  const { status, headers, body } = response;
  const { secrets = [], signal } = options;
  const refusal = refusalOf(status, headers, secrets);
  try {
    const type = headers['content-type'] ?? '';
    const isJson = /^application\/(?:[\w.-]+\+)?json\b/i.test(type);
    if (refusal.reason !== undefined || !(isJson || /^text\/plain\b/i.test(type))) return refusal;
    const bytes = await readStart(body);
    signal?.throwIfAborted();
    const text = isJson ? reasonIn(bytes) : bytes.toString('utf8');
    return { ...refusal, reason: text === undefined ? undefined : readable(text, secrets) };
  } finally {
    body.destroy();
  }
}

/** Returns the first bytes of a body that arrive within the time limit. Ignores errors of the connection. */
async function readStart(body: HttpResponse['body']): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const read = async () => {
    for await (const chunk of body) {
      chunks.push(Buffer.from(chunk));
      length += chunk.length;
      if (length >= MAX_BODY_BYTES) return;
    }
  };
  const timer = Promise.withResolvers<void>();
  const timeout = setTimeout(timer.resolve, MAX_BODY_MS);
  // If the connection is interrupted, the status is still valid.
  await Promise.race([read().catch(() => undefined), timer.promise]);
  clearTimeout(timeout);
  return Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES);
}

function reasonIn(bytes: Buffer): string | undefined {
  try {
    const body = parseJson(bytes);
    if (typeof body !== 'object' || body === null) return undefined;
    const { error, message } = body as { error?: unknown; message?: unknown };
    const nested = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
    return [nested, message].find((text) => typeof text === 'string');
  } catch {
    // The body is invalid or truncated JSON.
    return undefined;
  }
}

/** Patterns of possible secrets: access tokens, query strings (which may contain a signature), credentials in URLs. */
const SECRETS = [
  /\bhf_\w{6,}/g,
  /\bBearer\s+\S+/gi,
  /(?<=https?:\/\/[^\s?"'<>]*)\?[^\s"'<>]*/gi,
  /(?<=:\/\/)[^\s/@"'<>]*@/g,
];

function readable(text: string, secrets: readonly string[]): string | undefined {
  let line = text.slice(0, MAX_BODY_BYTES / 4);
  for (const secret of secrets) line = line.replaceAll(secret, '…');
  for (const secret of SECRETS) line = line.replace(secret, '…');
  line = line.replace(/[\s\p{C}]+/gu, ' ').trim();
  if (line === '') return undefined;
  const characters = [...line];
  return characters.length <= MAX_REASON_LENGTH ? line : `${characters.slice(0, MAX_REASON_LENGTH).join('')}…`;
}
