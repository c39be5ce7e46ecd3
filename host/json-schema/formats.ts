// Regular expressions of the JSON Schema formats that are enforced.
const DATE = String.raw`(?:(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8])))`;
const TIME = String.raw`(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)`;
const BYTE = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
const IPV4 = `(?:${BYTE}\\.){3}${BYTE}`;
const HEX = '[0-9a-fA-F]{1,4}';
const IPV6 = [
  `(?:${HEX}:){7}${HEX}`,
  ...[1, 2, 3, 4, 5, 6].map((before) => `(?:${HEX}:){${before}}(?::${HEX}){1,${7 - before}}`),
  `:(?::${HEX}){1,7}`,
  `(?:${HEX}:){1,7}:`,
  '::',
].join('|');
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const HOSTNAME = `${LABEL}(?:\\.${LABEL}){0,3}`;
const DATE_PARTS = String.raw`(?:\d{1,6}Y(?:\d{1,6}M)?(?:\d{1,6}D)?|\d{1,6}M(?:\d{1,6}D)?|\d{1,6}D)`;
const TIME_PARTS = String.raw`T(?:\d{1,6}H(?:\d{1,6}M)?(?:\d{1,6}S)?|\d{1,6}M(?:\d{1,6}S)?|\d{1,6}S)`;
const DURATION = String.raw`P(?:\d{1,6}W|${DATE_PARTS}(?:${TIME_PARTS})?|${TIME_PARTS})`;
const URI = `[a-zA-Z][a-zA-Z0-9+-]*:(?:[a-zA-Z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-fA-F]{2})+`;

const FORMATS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  'date-time': `${DATE}T${TIME}`,
  duration: DURATION,
  email: String.raw`[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}`,
  hostname: HOSTNAME,
  ipv4: IPV4,
  ipv6: IPV6,
  // Pydantic's name for an IPv4 or IPv6 address.
  ipvanyaddress: `${IPV4}|${IPV6}`,
  uri: URI,
  url: URI,
  uuid: '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}',
  uuid1: '[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}',
  uuid3: '[0-9a-f]{8}-[0-9a-f]{4}-3[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}',
  uuid4: '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}',
  uuid5: '[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}',
  guid: '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}',
  base64: '(?:[0-9a-zA-Z+/]{4})*(?:[0-9a-zA-Z+/]{2}==|[0-9a-zA-Z+/]{3}=)?',
  base64url: '[A-Za-z0-9_-]*',
};

/** Formats that allow every string: they describe its presentation or purpose. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  'password',
  'binary',
  'path',
  'file-path',
  'directory-path',
  'textarea',
]);

/** Formats of numbers, with their bounds. */
const NUMBER_FORMATS: Readonly<Record<string, { readonly minimum?: number; readonly maximum?: number }>> = {
  float: {},
  double: {},
  int32: { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  uint32: { minimum: 0, maximum: 2 ** 32 - 1 },
  int64: {},
  uint64: { minimum: 0 },
};

/** Returns the regular expression of a format; null for a format that allows every string; undefined if unknown. */
export function formatPattern(format: string): string | null | undefined {
  if (ANNOTATIONS.has(format)) return null;
  return Object.hasOwn(FORMATS, format) ? `^(?:${FORMATS[format]})$` : undefined;
}

/** Returns the bounds of a number format; undefined if it is unknown. */
export function numberFormat(format: string): { readonly minimum?: number; readonly maximum?: number } | undefined {
  return Object.hasOwn(NUMBER_FORMATS, format) ? NUMBER_FORMATS[format] : undefined;
}
