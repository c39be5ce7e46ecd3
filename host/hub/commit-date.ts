import * as v from 'valibot';
import { validate } from '../common/validate.ts';
import type { HttpResponse } from './http.ts';
import { readJson } from './read-json.ts';

/** Source: the hub's `/api/models/{repo}/tree/{revision}/{folder}?expand=true`. */
const Entry = v.looseObject({ path: v.string(), lastCommit: v.looseObject({ date: v.string() }) });

/**
 * Returns when a file was last changed, Unix seconds, from a page of the listing of its folder; undefined if the page
 * does not say.
 */
export async function commitDate(
  response: HttpResponse,
  file: string,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const listing = await readJson(response, 'a list of files as JSON', signal);
  if (!Array.isArray(listing)) return undefined;
  for (const entry of listing) {
    const { success, output } = validate(Entry, entry);
    if (!success || output.path !== file) continue;
    const seconds = Math.floor(Date.parse(output.lastCommit.date) / 1000);
    return seconds > 0 ? seconds : undefined;
  }
  return undefined;
}
