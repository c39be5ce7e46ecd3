/** The oldest Node this program runs on, major and minor: package.json's `engines`, whose SQLite it needs. */
const OLDEST = [22, 19] as const;

/** What to say of a Node that is too old; undefined when it is not. */
export function tooOldNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `Expected Node ${OLDEST.join('.')} or later, this is Node ${version}. In a checkout, npm scripts run the right one.`;
}
