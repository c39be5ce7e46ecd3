import type { IncomingHttpHeaders } from 'node:http';

/** Maximum size of a response head, in bytes: Node's limit. */
export const MAX_HEAD_BYTES = 16 * 1024;

/**
 * Maximum number of interim (1xx) responses to a request. Servers send one or two (`103 Early Hints`, `102
 * Processing`); without a limit, a server could keep the host busy with them forever.
 */
export const MAX_INTERIM_RESPONSES = 32;

/** The status line and headers of an HTTP/1 response. */
export interface ResponseHead {
  readonly status: number;
  /**
   * Names in lower case. The first value of a repeated name is used; a head that repeats one of {@link SINGLE_VALUED}
   * with another value is rejected.
   */
  readonly headers: IncomingHttpHeaders;
  /** `Content-Length`, in bytes; undefined if the response has none. */
  readonly length: number | undefined;
  /** Whether another request may be sent on this connection after the body has been read. */
  readonly keepAlive: boolean;
}

/** Source: RFC 9112, 4. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** Source: RFC 9110, 5.1 and 5.5; folded lines (RFC 9112, 5.2) are rejected. */
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/;

/**
 * Parses the head of a response, in Latin-1, without the empty line. Returns undefined if it is invalid or ambiguous: a
 * head that two parsers could interpret differently (different lengths, a length and a transfer encoding) is rejected.
 */
export function parseHead(text: string): ResponseHead | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, status] = STATUS_LINE.exec(first) ?? [];
  if (status === undefined) return undefined;
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const [, name, value] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    const key = name.toLowerCase();
    const previous = headers[key];
    if (previous === undefined) headers[key] = value;
    else if (SINGLE_VALUED.has(key) && previous !== value) return undefined;
  }
  const { 'content-length': length, 'transfer-encoding': encoding, connection = '' } = headers;
  if (length !== undefined && (encoding !== undefined || !/^\d{1,15}$/.test(length))) return undefined;
  return {
    status: Number(status),
    headers,
    length: length === undefined ? undefined : Number(length),
    keepAlive: minor === '1' && !/\bclose\b/i.test(connection),
  };
}

/** Headers that determine the content or origin of the bytes. */
const SINGLE_VALUED: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-range',
  'etag',
  'location',
  'transfer-encoding',
  'x-linked-etag',
]);
