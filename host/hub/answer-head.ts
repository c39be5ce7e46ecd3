import type { IncomingHttpHeaders } from 'node:http';

/** The longest head that is read, bytes: Node's own limit. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** What an HTTP/1 server says before a body. */
export interface AnswerHead {
  readonly status: number;
  /** Names in lower case. Of a name that comes twice, the first counts, except where that would be a risk: then none of it is taken. */
  readonly headers: IncomingHttpHeaders;
  /** Bytes of the body; undefined where its end is told in another way than by a length. */
  readonly length: number | undefined;
  /** Another request may be sent on this connection when the body has been read. */
  readonly isKept: boolean;
}

/** Source: RFC 9112, 4. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** Source: RFC 9110, 5.1 and 5.5; a line that goes on on the next one (RFC 9112, 5.2) is not taken. */
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/;

/**
 * Reads the head of an answer, in Latin-1, up to and without the empty line. Undefined where it is anything but a plain,
 * unambiguous head: what two readers could take for two things (lengths that differ, a length beside a transfer
 * encoding) is no answer.
 */
export function readHead(text: string): AnswerHead | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, status] = STATUS_LINE.exec(first) ?? [];
  if (status === undefined) return undefined;
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const [, name, value] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    const key = name.toLowerCase();
    const before = headers[key];
    if (before === undefined) headers[key] = value;
    else if (SINGLE.has(key) && before !== value) return undefined;
  }
  const { 'content-length': length, 'transfer-encoding': coding, connection = '' } = headers;
  if (length !== undefined && (coding !== undefined || !/^\d{1,15}$/.test(length))) return undefined;
  return {
    status: Number(status),
    headers,
    length: length === undefined ? undefined : Number(length),
    isKept: minor === '1' && !/\bclose\b/i.test(connection),
  };
}

/** Headers that decide what the bytes are or where they come from. */
const SINGLE: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-range',
  'etag',
  'location',
  'transfer-encoding',
  'x-linked-etag',
]);
