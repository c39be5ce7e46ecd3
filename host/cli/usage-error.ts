/** What was typed is not a command. The message says what is wrong with it; the door adds how it is used. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
