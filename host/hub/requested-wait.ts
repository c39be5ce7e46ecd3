import type { IncomingHttpHeaders } from 'node:http';

/** Maximum number of characters read from a header's value. The hub's have about 100. */
const MAX_VALUE_LENGTH = 1024;

/** Start of a date (RFC 9110, 5.6.7): the day of the week. `Date.parse` alone would parse "-5" as a month. */
const STARTS_WITH_DAY = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? /i;

/**
 * Returns how long a server asks to wait before the next request, in milliseconds; undefined if the headers do not
 * contain a valid value. `Retry-After` takes precedence over the `RateLimit` fields, as their draft requires.
 */
export function requestedWaitMs(headers: IncomingHttpHeaders, now = Date.now()): number | undefined {
  return retryAfterMs(headerValue(headers, 'retry-after'), now) ?? rateLimitMs(headers);
}

/** Parses `Retry-After`: a number of seconds or a date. Source: RFC 9110, 10.2.3. */
function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(value)) return Number(value) * 1000;
  const date = STARTS_WITH_DAY.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/**
 * Reads the seconds until a quota is restored from the `RateLimit` fields of draft-ietf-httpapi-ratelimit-headers:
 * version 8, `RateLimit: "name";r=0;t=25` (`r`: remaining requests, `t`: seconds) with
 * `RateLimit-Policy: "name";q=3000;w=300` (`w`: window in seconds); earlier, `RateLimit: limit=9, remaining=0,
 * reset=25` or `RateLimit-Reset: 25`.
 */
function rateLimitMs(headers: IncomingHttpHeaders): number | undefined {
  const quotas = members(headerValue(headers, 'ratelimit'));
  const used = quotas.filter(({ numbers }) => numbers.get('r') === 0);
  const relevant = used.length > 0 ? used : quotas;
  const windows = members(headerValue(headers, 'ratelimit-policy'));
  const seconds = relevant.flatMap(({ name, numbers }) => {
    const window = windows.find((policy) => policy.name === name)?.numbers.get('w');
    return numbers.get('t') ?? window ?? [];
  });
  const former = quotas.flatMap(({ name }) => /^reset=(\d{1,15})$/.exec(name)?.[1] ?? []);
  const alone = /^\d{1,15}$/.exec(headerValue(headers, 'ratelimit-reset') ?? '') ?? [];
  const all = [...seconds, ...former.map(Number), ...alone.map(Number)];
  return all.length === 0 ? undefined : Math.max(...all) * 1000;
}

interface Member {
  readonly name: string;
  readonly numbers: ReadonlyMap<string, number>;
}

/** Parses a list of items with numeric parameters (RFC 9651, lenient). */
function members(value = ''): Member[] {
  return value.split(',').map((member) => {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim().toLowerCase());
    const pairs = parameters.flatMap((parameter) => {
      const [, key, number] = /^([a-z*][a-z0-9_.*-]*)\s*=\s*(\d{1,15})$/.exec(parameter) ?? [];
      return key === undefined ? [] : [[key, Number(number)] as const];
    });
    return { name, numbers: new Map(pairs) };
  });
}

function headerValue(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return value === undefined ? undefined : String(value).slice(0, MAX_VALUE_LENGTH).trim();
}
