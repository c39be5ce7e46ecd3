/** Control characters other than line feed and tab, and marks that turn the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Removes everything from a text that would control the terminal. Names come from hubs and disks, generated text from
 * models: an escape sequence in one of them could rename the window or overwrite other lines.
 */
export function printable(text: string): string {
  return text.replace(CONTROLS, '');
}

/** Characters that take two columns: those of East Asian scripts, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Characters that take none: marks that combine with the one before. */
const COMBINING = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Returns how many columns of a terminal a text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** Shortens a text to a number of columns. The middle is left out: file names differ at the end. */
export function shorten(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  if (columns < 1) return '';
  const characters = [...text];
  const take = (from: readonly string[], limit: number) => {
    let taken = 0;
    for (let width = 0; taken < from.length; taken += 1) {
      width += displayWidth(from[taken] ?? '');
      if (width > limit) break;
    }
    return taken;
  };
  const start = take(characters, Math.floor((columns - 1) / 2));
  const end = take(characters.toReversed(), Math.ceil((columns - 1) / 2));
  return `${characters.slice(0, start).join('')}…${end === 0 ? '' : characters.slice(-end).join('')}`;
}

/** Formats rows as aligned columns, two spaces apart; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of clean) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, displayWidth(cell));
  }
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - displayWidth(cell))))
      .join('  ')
      .trimEnd();
  return clean.map((row) => `${line(row)}\n`).join('');
}

/** Formats facts as lines of a name and a value. Facts without a value are left out. */
export function facts(entries: readonly (readonly [name: string, value: string | undefined])[]): string {
  return table(entries.flatMap(([name, value]) => (value === undefined ? [] : [[`${name}:`, value]])));
}
