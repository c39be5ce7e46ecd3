import * as v from 'valibot';

export const ExecuteCommandRequest = v.looseObject({
  /** Exactly as the user's configuration lists it, its parts with a space between them. */
  command: v.pipe(v.string(), v.minLength(1, 'a command'), v.maxLength(8192, 'at most 8192 characters long')),
});
export const ExecuteCommandPayload = v.object({
  command: v.string(),
  /** The first 64 KiB. */
  stdout: v.string(),
  stderr: v.string(),
  /** Null where a signal ended it. */
  returncode: v.nullable(v.number()),
});
