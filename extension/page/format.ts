/** Formats sizes, times and counts in the user's language. */
export interface Format {
  /** Decimal units, as Hugging Face and disks use them: `4.7 GB`. */
  bytes(value: number): string;
  /** `12.3 MB/s`. */
  speed(bytesPerSecond: number): string;
  /** The two largest units: `1 hr 5 min`, `42 sec`. */
  duration(seconds: number): string;
  number(value: number, fractionDigits?: number): string;
  /** A rounded count: `1.2K`, `7.6B`. */
  compact(value: number): string;
  /** `value` from 0 to 100. */
  percent(value: number): string;
  /** Day and time. */
  date(milliseconds: number): string;
  /** A date without the time. */
  day(milliseconds: number): string;
}

/** Scripts that are written from right to left, of the languages that the strings may be translated to. */
const RIGHT_TO_LEFT: ReadonlySet<string | undefined> = new Set(['Arab', 'Hebr']);

/** Isolates the direction of a text from the text around it (Unicode UAX #9: first strong isolate). */
const [ISOLATE, END_ISOLATE] = ['\u2068', '\u2069'];

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;

/** Returns the format of a language, such as `de` or `en-GB`. */
export function makeFormat(language: string): Format {
  const isRightToLeft = RIGHT_TO_LEFT.has(new Intl.Locale(language).maximize().script);
  /** Keeps a number before its Latin unit: as a part of Hebrew text, `2 GB` is drawn as `GB 2`. */
  const isolated = (text: string) => (isRightToLeft ? ISOLATE + text + END_ISOLATE : text);
  const unit = (value: number, name: string, digits: number, unitDisplay: 'short' | 'long' = 'short') =>
    new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay, maximumFractionDigits: digits }).format(
      value,
    );
  const scaled = (value: number) => {
    const power = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
    return { value: value / 1000 ** power, name: BYTE_UNITS[power] ?? 'byte', power };
  };
  return {
    bytes(value) {
      const { value: small, name, power } = scaled(value);
      return isolated(unit(small, name, power < 3 || small >= 100 ? 0 : 1, power === 0 ? 'long' : 'short'));
    },
    speed(bytesPerSecond) {
      const { value, name, power } = scaled(bytesPerSecond);
      return isolated(unit(value, `${name}-per-second`, power < 2 ? 0 : 1));
    },
    duration(seconds) {
      const whole = Math.max(0, Math.round(seconds));
      const parts: [number, string][] = [
        [Math.floor(whole / 86_400), 'day'],
        [Math.floor(whole / 3_600) % 24, 'hour'],
        [Math.floor(whole / 60) % 60, 'minute'],
        [whole % 60, 'second'],
      ];
      const first = parts.findIndex(([count]) => count > 0);
      const shown = first === -1 ? parts.slice(-1) : parts.slice(first, first + 2).filter(([count]) => count > 0);
      return shown.map(([count, name]) => unit(count, name, 0)).join(' ');
    },
    number: (value, fractionDigits = 0) =>
      new Intl.NumberFormat(language, { maximumFractionDigits: fractionDigits }).format(value),
    compact: (value) =>
      new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 }).format(value),
    percent: (value) =>
      new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 }).format(value / 100),
    date: (milliseconds) =>
      new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(milliseconds),
    day: (milliseconds) => new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(milliseconds),
  };
}
