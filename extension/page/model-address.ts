/** A model on Hugging Face, as a user may type or paste it. */
export interface ModelAddress {
  readonly repoId: string;
  /** A GGUF file; undefined for the repository. */
  readonly file: string | undefined;
  /** Undefined for `main`. */
  readonly revision: string | undefined;
  /** Such as `Q4_K_M`. */
  readonly quantization: string | undefined;
}

/** `/owner/name`, `/owner/name/tree/main`, `/owner/name/blob/main/folder/file.gguf`, `resolve` for a download. */
const PAGE =
  /^\/(?<repoId>[^/:@]+\/[^/:@]+)(?::(?<quantization>[\w.-]+))?(?:\/(?:blob|resolve|tree)\/(?<revision>[^/]+)(?:\/(?<file>.+\.gguf))?)?\/?$/i;

/** `owner/name`, `owner/name:Q4_K_M`, `owner/name@revision`, `owner/name/file.gguf`, `owner/name file.gguf`. */
const ID =
  /^(?<repoId>[^/\s:@]+\/[^/\s:@]+)(?:@(?<revision>[^/\s:]+))?(?::(?<quantization>[\w.-]+)|(?:\/|\s+)(?<file>\S.*\.gguf))?$/i;

/** Addresses that are pasted without `https:`. */
const HUB_HOST = /^(?:www\.)?(?:hf\.co|huggingface\.co)\//i;

/** Reads the address of a model or repository; undefined for anything else. Whether it exists, the host finds out. */
export function readModelAddress(typed: string): ModelAddress | undefined {
  const text = typed.trim();
  const address = HUB_HOST.test(text) ? `https://${text}` : text;
  const url = /^https?:/i.test(address) ? URL.parse(address) : undefined;
  if (url === null) return undefined;
  const { repoId, file, revision, quantization } = (url === undefined ? ID.exec(text) : matchPage(url))?.groups ?? {};
  if (repoId === undefined) return undefined;
  return { repoId, file, revision: revision === 'main' ? undefined : revision, quantization };
}

function matchPage(url: URL): RegExpExecArray | null {
  // A file of a repository at its address: `hf.co/owner/name/file.gguf`.
  const path = decoded(url.pathname);
  return PAGE.exec(path) ?? ID.exec(path.slice(1));
}

/** Decodes a path; one with invalid escapes is returned unchanged. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Returns the model id: `owner/name/file.gguf`, with `@revision` after the name for another than `main`. */
export function modelIdOf({ repoId, file, revision }: ModelAddress & { readonly file: string }): string {
  return `${repoId}${revision === undefined ? '' : `@${revision}`}/${file}`;
}
