/** Control characters other than line feed and tab, and marks that turn the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text that a terminal shows and does not obey. Names come from hubs and disks, generated text from models: an escape
 * sequence in one of them could rename the window or rewrite what stands above.
 */
export function printable(text: string): string {
  return text.replace(CONTROLS, '');
}

/** Rows as columns that stand below each other, two spaces apart; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of clean) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return clean.map((row) => `${line(row)}\n`).join('');
}

/** Facts as lines of a name and a value. Those without a value are left out. */
export function facts(entries: readonly (readonly [name: string, value: string | undefined])[]): string {
  return table(entries.flatMap(([name, value]) => (value === undefined ? [] : [[`${name}:`, value]])));
}
