/** What a user may type or paste to name a model: the model id, `owner/name file.gguf`, or the hub's page of the file. */
export interface ModelAddress {
  readonly repoId: string;
  readonly file: string;
  readonly revision: string | undefined;
}

/** Pages of a file: `/owner/name/blob/main/folder/file.gguf`, `resolve` where it is downloaded from. */
const FILE_PAGE = /^\/(?<repoId>[^/]+\/[^/]+)\/(?:blob|resolve)\/(?<revision>[^/]+)\/(?<file>.+)$/;

/** A model id, or the two parts of it with a space between. */
const MODEL_ID = /^(?<repoId>[^/\s]+\/[^/\s@]+)(?:@(?<revision>[^/\s]+))?(?:\/|\s+)(?<file>\S.*)$/;

/** Reads a model's address. Undefined when it names no file; whether there is such a file, the host finds out. */
export function readModelAddress(typed: string): ModelAddress | undefined {
  const text = typed.trim();
  const url = /^https?:/i.test(text) ? URL.parse(text) : null;
  const found = url === null ? MODEL_ID.exec(text) : FILE_PAGE.exec(decoded(url.pathname));
  const { repoId, file, revision } = found?.groups ?? {};
  if (repoId === undefined || file === undefined) return undefined;
  return { repoId, file, revision: revision === 'main' ? undefined : revision };
}

/** A path as people read it; as it stands where its percent signs mean no characters. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The model id: `owner/name/file.gguf`, with `@revision` behind the name where it is another than `main`. */
export function modelIdOf({ repoId, file, revision }: ModelAddress): string {
  return `${repoId}${revision === undefined ? '' : `@${revision}`}/${file}`;
}
