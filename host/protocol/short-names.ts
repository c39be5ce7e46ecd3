/** The names of a known model. */
export interface KnownModel {
  /** `owner/name/file.gguf`. */
  readonly id: string;
  readonly repo_id: string;
  readonly file_path: string;
  /** The displayed name, such as `qwen3:8b` for a model of Ollama. */
  readonly name?: string;
}

/**
 * Returns the models of `known` that a user means: the one with this ID, otherwise all with this file, file name without
 * `.gguf`, display name, or repository.
 */
export function matchingModels<T extends KnownModel>(typed: string, known: readonly T[]): readonly T[] {
  const wanted = typed.toLowerCase();
  const exact = known.find(({ id }) => id.toLowerCase() === wanted);
  return exact === undefined ? known.filter((model) => shortNamesOf(model).includes(wanted)) : [exact];
}

/** Returns the short names of a model, in lower case; the third is the file's name without `.gguf`. */
export function shortNamesOf({ repo_id, file_path, name }: KnownModel): string[] {
  const file = file_path.toLowerCase();
  const base = file.slice(file.lastIndexOf('/') + 1);
  return [
    file,
    base,
    base.replace(/\.gguf$/, ''),
    repo_id.toLowerCase(),
    ...(name === undefined ? [] : [name.toLowerCase()]),
  ];
}
