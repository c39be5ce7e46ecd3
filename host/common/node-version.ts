/** The minimum version of Node.js (major, minor), as in package.json's `engines`. Earlier ones lack SQLite features. */
const OLDEST = [22, 19] as const;

/** Returns a message if this version of Node.js is too old; undefined otherwise. */
export function tooOldNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `TabAgent requires Node.js ${OLDEST.join('.')} or later, but this is Node.js ${version}. In a source checkout, the npm scripts use a suitable version.`;
}
