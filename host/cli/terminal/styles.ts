/** SGR codes of the styles used (ECMA-48). */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  italic: [3, 23],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** A way of showing text. */
export type Style = keyof typeof STYLES;

/** Shows text in a style where the stream takes styles. */
export function paint(text: string, style: Style, styled: boolean): string {
  const [on, off] = STYLES[style];
  return styled ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}
