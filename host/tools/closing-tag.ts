/** Returns the tag that closes another one: `</name>` for `<name>`. */
export function closingTag(open: string): string {
  return open.replace('<', '</');
}
