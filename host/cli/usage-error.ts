/** Invalid usage of a command. The message says what is wrong; the command line adds the usage. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
