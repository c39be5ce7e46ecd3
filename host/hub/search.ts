import * as v from 'valibot';
import { defined } from '../common/defined.ts';
import { isHostError } from '../common/errors.ts';
import { validate } from '../common/validate.ts';
import type { SEARCH_SORTS } from '../protocol/actions/repos.ts';
import { readModelOrRepoName } from '../protocol/model-name.ts';
import type { HttpResponse } from './http.ts';
import { nextLink } from './next-page.ts';
import { readJson, unexpected } from './read-json.ts';

/** A search query. */
export interface SearchQuery {
  readonly text: string;
  readonly sort: (typeof SEARCH_SORTS)[number];
  /** Maximum number of results. */
  readonly limit: number;
  /** The cursor that the hub returned with the previous page. */
  readonly cursor: string | undefined;
}

/** A repository with GGUF files in the search results. */
export interface FoundRepo {
  readonly repoId: string;
  readonly downloads: number | undefined;
  readonly likes: number | undefined;
  /** ISO 8601, as the hub sends it. */
  readonly lastModified: string | undefined;
  /** Whether the user must accept its terms before downloading. */
  readonly gated: boolean;
  readonly tags: readonly string[];
  /** Metadata that the hub read from one of the GGUF files; undefined if it has not read any. */
  readonly gguf:
    | { readonly architecture?: string; readonly parameters?: number; readonly contextLength?: number }
    | undefined;
}

/** One page of search results. */
export interface SearchPage {
  readonly repos: readonly FoundRepo[];
  readonly cursor: string | undefined;
}

/**
 * Maximum number of tags per repository, and maximum length of a tag in characters: a reply contains up to 100
 * repositories.
 */
const MAX_TAGS = 24;
const MAX_TAG_LENGTH = 64;
/** Maximum length of a cursor, in characters. The hub's have about 100. */
const MAX_CURSOR_LENGTH = 1024;

const EXPECTED = 'a list of models as JSON';
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Returns a schema that treats an invalid field like a missing one. */
const lenient = <S extends v.GenericSchema>(schema: S) => v.fallback(v.optional(schema), undefined);
const Found = v.looseObject({
  id: v.string(),
  downloads: lenient(Count),
  likes: lenient(Count),
  lastModified: lenient(v.pipe(v.string(), v.isoTimestamp())),
  gated: lenient(v.union([v.boolean(), v.string()])),
  tags: lenient(v.array(v.unknown())),
  gguf: lenient(
    v.looseObject({
      architecture: lenient(v.pipe(v.string(), v.maxLength(MAX_TAG_LENGTH))),
      total: lenient(Count),
      context_length: lenient(Count),
    }),
  ),
});

/** Returns the path and query of a search for repositories tagged `gguf`. Source: the hub's API, `GET /api/models`. */
export function searchPath({ text, sort, limit, cursor }: SearchQuery): string {
  const query = new URLSearchParams({ search: text, filter: 'gguf', sort, direction: '-1', limit: String(limit) });
  for (const field of ['downloads', 'likes', 'lastModified', 'gated', 'tags', 'gguf']) query.append('expand[]', field);
  if (cursor !== undefined) query.set('cursor', cursor);
  return `/api/models?${query}`;
}

/**
 * Reads a page of results, without entries that have no valid repository name. Throws `HUB_ERROR` if the response is
 * not a list.
 */
export async function readSearchPage(
  response: HttpResponse,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<SearchPage> {
  const list = await readJson(response, EXPECTED, signal);
  if (!Array.isArray(list)) throw unexpected(response.url, EXPECTED, 'something else');
  const repos = list.slice(0, limit).flatMap((entry: unknown) => {
    const { success, output } = validate(Found, entry);
    return success && isRepoName(output.id) ? [foundRepo(output)] : [];
  });
  return { repos, cursor: nextCursor(response.headers.link) };
}

function foundRepo({ id, downloads, likes, lastModified, gated, tags = [], gguf }: v.InferOutput<typeof Found>) {
  const texts = tags.filter((tag): tag is string => typeof tag === 'string' && tag.length <= MAX_TAG_LENGTH);
  return {
    repoId: id,
    downloads,
    likes,
    lastModified,
    gated: gated !== undefined && gated !== false,
    tags: texts.slice(0, MAX_TAGS),
    gguf: gguf && {
      ...defined({ architecture: gguf.architecture, parameters: gguf.total, contextLength: gguf.context_length }),
    },
  };
}

function isRepoName(id: string): boolean {
  try {
    const name = readModelOrRepoName({ repoId: id });
    return !('file' in name) && name.repoId === id;
  } catch (error) {
    if (isHostError(error)) return false;
    throw error;
  }
}

/**
 * Returns the cursor from the URL of the next page. The URL itself is not requested: the next request is built from the
 * configured endpoint.
 */
function nextCursor(link: string | string[] | undefined): string | undefined {
  const next = nextLink(link);
  if (next === undefined || !URL.canParse(next, 'http://hub')) return undefined;
  const cursor = new URL(next, 'http://hub').searchParams.get('cursor');
  return cursor !== null && isCursor(cursor) ? cursor : undefined;
}

/** Returns whether a string is a valid cursor: visible ASCII. */
function isCursor(text: string): boolean {
  return text.length <= MAX_CURSOR_LENGTH && /^[\x21-\x7e]+$/.test(text);
}
