import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from './api-error.ts';

/** Who may call the server. */
export interface AccessRules {
  /** The port on which the server listens. */
  readonly port: number;
  readonly key: string;
  /** Origins of web pages and extensions that may call it. */
  readonly origins: readonly string[];
}

/** Names of this computer under which programs call the server. */
const LOCAL_NAMES = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Checks that a request is meant for this server, and does not come from a web page that the user did not allow. A page
 * can have its own name resolve to this computer (DNS rebinding); then `Host` has that name.
 *
 * @throws ApiError.
 */
export function assertKnownOrigin(headers: IncomingHttpHeaders, { port, origins }: AccessRules): void {
  const { host = '', origin } = headers;
  const [, name = '', given = '80'] = /^(.*?)(?::(\d+))?$/.exec(host.toLowerCase()) ?? [];
  if (!LOCAL_NAMES.test(name) || Number(given) !== port) {
    throw new ApiError(403, 'host_not_allowed', 'The server answers only requests to an address of this computer.');
  }
  if (origin !== undefined && !origins.includes(origin)) {
    throw new ApiError(
      403,
      'origin_not_allowed',
      'Web pages of this origin may not call the server. Start it with --allow-origin to allow them.',
    );
  }
}

/** Checks the key of a request in constant time. @throws ApiError. */
export function assertKey({ authorization = '' }: IncomingHttpHeaders, { key }: AccessRules): void {
  const given = /^bearer +(.*)$/i.exec(authorization)?.[1] ?? '';
  // Digests have the same length whatever was sent.
  if (timingSafeEqual(digest(given), digest(key))) return;
  throw new ApiError(
    401,
    'invalid_api_key',
    'A key is required, as "Authorization: Bearer KEY". The user of this computer sees it with: tabagent serve --show-key',
  );
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Longest list of headers that a page may ask to send, characters. */
const MAX_REQUESTED_HEADERS = 2048;

/** How long a browser may remember the answer to a preflight request, seconds. */
const PREFLIGHT_SECONDS = 600;

/** Returns the headers that let pages of an allowed origin read the response; none for programs. */
export function corsHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const { origin } = headers;
  return origin === undefined ? {} : { 'access-control-allow-origin': origin, vary: 'Origin' };
}

/** Returns the headers of the answer to a preflight request of an allowed origin. */
export function preflightHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const requested = headers['access-control-request-headers'] ?? '';
  return {
    ...corsHeaders(headers),
    'access-control-allow-methods': 'GET, POST',
    // OpenAI's clients add their own headers.
    ...(requested.length <= MAX_REQUESTED_HEADERS && /^[a-z0-9, -]+$/i.test(requested)
      ? { 'access-control-allow-headers': requested }
      : {}),
    'access-control-max-age': String(PREFLIGHT_SECONDS),
    ...(headers['access-control-request-private-network'] === 'true'
      ? { 'access-control-allow-private-network': 'true' }
      : {}),
  };
}

/** Origins of web pages and extensions, as browsers send them. */
const ORIGIN = /^(https?|chrome-extension|moz-extension):\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/;

/** Returns whether a text is an origin that can be allowed: without a path, and without `*`. */
export function isOrigin(text: string): boolean {
  return ORIGIN.test(text);
}
