const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAY_MS = 86_400_000;

/** Directives that glibc rejects with a modifier, which has no effect on others in the C locale. */
const UNMODIFIED: Readonly<Record<string, string>> = { E: 'aAbBdDeFgGhHIjklmMSUVwW', O: 'aAcDFxXY' };

/** Formats a local time like glibc's `strftime` in the C locale, with its flags `-`, `_`, `0`, `^` and `#`. */
export function strftime(format: string, time: Date): string {
  return format.replace(
    /%([-_0^#]*)(\d{0,3})([EO]?)([A-Za-z%+])/g,
    (whole, flags: string, width: string, modifier: string, directive: string) => {
      const text = directiveText(directive, time);
      if (text === undefined || UNMODIFIED[modifier]?.includes(directive) === true) return whole;
      return adjust(text, { directive, flags, width: Number(width) });
    },
  );
}

/** Directives whose case `#` changes. */
const NAMES = 'aAbBh';

function adjust(
  text: string,
  { directive, flags, width }: { directive: string; flags: string; width: number },
): string {
  let adjusted = text;
  if (/^[ 0]*\d+$/.test(text)) {
    const digits = text.replace(/^[ 0]+(?=\d)/, '');
    if (flags.includes('-')) return digits.padStart(width, ' ');
    if (flags.includes('_')) adjusted = digits.padStart(text.length, ' ');
    if (flags.includes('0')) adjusted = digits.padStart(text.length, '0');
    return adjusted.padStart(width, flags.includes('_') || adjusted.startsWith(' ') ? ' ' : '0');
  }
  if (flags.includes('#') && directive === 'p') adjusted = text.toLowerCase();
  else if (flags.includes('#') ? NAMES.includes(directive) : flags.includes('^') && directive !== 'P') {
    adjusted = text.toUpperCase();
  }
  return adjusted.padStart(width, flags.includes('0') ? '0' : ' ');
}

function directiveText(directive: string, time: Date): string | undefined {
  const two = (value: number) => String(value).padStart(2, '0');
  const spaced = (value: number) => String(value).padStart(2, ' ');
  const hour12 = time.getHours() % 12 || 12;
  const day = DAYS[time.getDay()] ?? '';
  const month = MONTHS[time.getMonth()] ?? '';
  const composed = (format: string) => strftime(format, time);
  switch (directive) {
    case 'a':
      return day.slice(0, 3);
    case 'A':
      return day;
    case 'b':
    case 'h':
      return month.slice(0, 3);
    case 'B':
      return month;
    case 'c':
      return composed('%a %b %e %H:%M:%S %Y');
    case 'C':
      return two(Math.floor(time.getFullYear() / 100));
    case 'd':
      return two(time.getDate());
    case 'D':
    case 'x':
      return composed('%m/%d/%y');
    case 'e':
      return spaced(time.getDate());
    case 'f':
      return String(time.getMilliseconds() * 1000).padStart(6, '0');
    case 'F':
      return composed('%Y-%m-%d');
    case 'g':
      return two(isoWeek(time).year % 100);
    case 'G':
      return String(isoWeek(time).year);
    case 'H':
      return two(time.getHours());
    case 'I':
      return two(hour12);
    case 'j':
      return String(dayOfYear(time) + 1).padStart(3, '0');
    case 'k':
      return spaced(time.getHours());
    case 'l':
      return spaced(hour12);
    case 'm':
      return two(time.getMonth() + 1);
    case 'M':
      return two(time.getMinutes());
    case 'n':
      return '\n';
    case 'p':
      return time.getHours() < 12 ? 'AM' : 'PM';
    case 'P':
      return time.getHours() < 12 ? 'am' : 'pm';
    case 'r':
      return composed('%I:%M:%S %p');
    case 'R':
      return composed('%H:%M');
    case 's':
      return String(Math.floor(time.getTime() / 1000));
    case 'S':
      return two(time.getSeconds());
    case 't':
      return '\t';
    case 'T':
    case 'X':
      return composed('%H:%M:%S');
    case 'u':
      return String(time.getDay() || 7);
    case 'U':
      return two(Math.floor((dayOfYear(time) + 7 - time.getDay()) / 7));
    case 'V':
      return two(isoWeek(time).week);
    case 'w':
      return String(time.getDay());
    case 'W':
      return two(Math.floor((dayOfYear(time) + 7 - ((time.getDay() + 6) % 7)) / 7));
    case 'y':
      return two(time.getFullYear() % 100);
    case 'Y':
      return String(time.getFullYear());
    // The reference implementation formats a naive datetime, which has no time zone.
    case 'z':
    case 'Z':
      return '';
    case '%':
      return '%';
    default:
      return undefined;
  }
}

/** Returns the number of days since the first of January. */
function dayOfYear(time: Date): number {
  return Math.round(
    (Date.UTC(time.getFullYear(), time.getMonth(), time.getDate()) - Date.UTC(time.getFullYear(), 0, 1)) / DAY_MS,
  );
}

/** Returns the ISO 8601 week and its year. */
function isoWeek(time: Date): { year: number; week: number } {
  const thursday = new Date(Date.UTC(time.getFullYear(), time.getMonth(), time.getDate() + 4 - (time.getDay() || 7)));
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1 };
}
