import type { IncomingHttpHeaders } from 'node:http';

/** `Retry-After` in milliseconds: seconds, or a date. Undefined where none can be read. Source: RFC 9110, 10.2.3. */
export function retryAfter(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['retry-after'];
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
