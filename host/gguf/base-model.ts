/** The base model of an adapter, according to its file. */
export interface BaseModel {
  /** Its name, such as `Qwen3 8B`; undefined if the file does not say. */
  readonly name?: string | undefined;
  /** Its repository on the Hugging Face Hub, `owner/name`; undefined if the file does not say. */
  readonly repoId?: string | undefined;
}

/** Keys with the name and the address of the model. Source: the GGUF specification. */
export const BASE_MODEL_NAME = 'general.base_model.0.name';
export const BASE_MODEL_URL = 'general.base_model.0.repo_url';

/** Longest name that is shown, characters. */
const MAX_NAME = 200;

/** The address of a repository on the Hugging Face Hub. */
const REPOSITORY = /^https?:\/\/(?:www\.)?(?:huggingface\.co|hf\.co)\/([\w.-]{1,96}\/[\w.-]{1,96})\/?$/;

/** Returns the base model from the values of {@link BASE_MODEL_NAME} and {@link BASE_MODEL_URL}; undefined if there is none. */
export function baseModelFrom(name: string | undefined, url: string | undefined): BaseModel | undefined {
  const repoId = REPOSITORY.exec(url ?? '')?.[1];
  // Control characters and bidirectional overrides could make the name misleading.
  const shown = name?.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '_').slice(0, MAX_NAME) || undefined;
  return repoId === undefined && shown === undefined ? undefined : { name: shown, repoId };
}
