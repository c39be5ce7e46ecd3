import * as v from 'valibot';
import { Bytes } from '../fields.ts';

/** Longest path any of the systems takes, characters. */
const MAX_PATH_LENGTH = 4096;

export const MoveCacheRequest = v.looseObject({
  /** Absolute. The host's own data folder moves the cache back. */
  folder: v.pipe(
    v.string(),
    v.minLength(1, 'a path'),
    v.maxLength(MAX_PATH_LENGTH, `a path of at most ${MAX_PATH_LENGTH} characters`),
  ),
});
export const MoveCachePayload = v.object({ from: v.string(), to: v.string(), files: v.number(), bytes: Bytes });
