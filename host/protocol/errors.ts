/** Every error code a reply can have, with its meaning. Codes are stable: clients branch on them. */
export const ERROR_CODES = {
  // Requests and the connection
  INVALID_JSON: 'The message is not a JSON object in UTF-8.',
  INVALID_REQUEST: 'A field is missing, has the wrong type, or is out of range. `details.field` names it.',
  UNKNOWN_ACTION: 'The host has no action with this name.',
  FRAME_TOO_LARGE: 'The message exceeds the size limit for requests. The host exits after this error.',
  FRAME_TRUNCATED: 'The input ended in the middle of a message. The host exits after this error.',
  LOCAL_ONLY: 'The action, or the field `details.field`, is available only to the `tabagent` command, not to browsers.',
  COMMAND_NOT_ALLOWED: 'The command is not in the list of commands the user allowed in the configuration.',
  COMMAND_FAILED: 'The command could not be started or exceeded its time limit.',
  REPLY_TOO_LARGE: 'The reply exceeds the size limit. Request less with `limit` and `cursor`.',
  CANCELLED: 'A user cancelled the operation.',
  ABORTED:
    'The operation was aborted because the client disconnected or the host is shutting down. It can be repeated; downloads can be resumed.',
  INTERNAL_ERROR: 'The host hit an internal error. Its log has the details.',

  // Models and the engine
  UNSUPPORTED_MODEL_TYPE: 'The host does not support this type of model.',
  MODEL_NOT_LOADED: 'The model is not loaded.',
  MODEL_NOT_DOWNLOADED: 'The model is not downloaded.',
  NOT_OURS: 'The model belongs to another program or to the user. It is used in place and never deleted.',
  MODEL_IN_USE: 'The model is loaded or being downloaded. Unload it or cancel the download first.',
  MODEL_REJECTED: 'The file is not a model that llama.cpp can load. `details` gives the expected and the actual value.',
  ENGINE_CRASHED: 'The process running the model exited unexpectedly. The host and other models are not affected.',
  ENGINE_ENDED:
    'The host ended the process running the model, because it used more memory than the model can need, made no progress, did not stop on request, or wrote too much to the disk. `details` gives `reason` (`memory`, `progress`, `stop` or `disk`) and, except for the last, `file`, the likely cause.',
  ENGINE_UNAVAILABLE: 'llama.cpp could not be started on this computer.',
  LOAD_TIMEOUT: 'Loading made no progress within the time limit and was stopped.',
  INSUFFICIENT_MEMORY: 'Not enough memory is available for the model.',

  // Generation and embedding
  MODEL_NOT_CAPABLE:
    'The model does not support this operation (generation, embedding or reranking). `details.reason` explains why.',
  CONTEXT_OVERFLOW:
    'The prompt or text exceeds the context length the model was loaded with. `details` gives both token counts.',
  EMBEDDING_FAILED: 'llama.cpp failed while embedding or reranking a text. The model stays loaded.',
  CHAT_TEMPLATE_FAILED: "The model's chat template could not format the messages, or took too long.",
  GENERATION_FAILED: 'llama.cpp, or a remote engine, failed while generating. The model stays loaded.',

  KEYCHAIN_UNAVAILABLE: 'A token or key is stored in the system keychain, which is locked, missing or not responding.',

  // Conversations
  CONVERSATION_NOT_FOUND: 'No conversation has this ID.',
  DATABASE_TOO_NEW: 'The database was created by a newer version of the host. Update the host.',

  // The Hugging Face Hub
  REPO_NOT_FOUND: 'The repository does not exist, or it is private and the access token cannot read it.',
  REVISION_NOT_FOUND: 'The repository has no branch, tag or commit with this name.',
  FILE_NOT_FOUND: 'The repository has no such file at this revision.',
  GATED_REPO: 'The repository is gated: its terms must be accepted before files can be downloaded.',
  UNAUTHORIZED:
    'The Hugging Face Hub rejected or requires an access token, or a remote engine rejected or requires an API key.',
  RATE_LIMITED: 'The Hugging Face Hub, or a remote engine, is limiting requests, and retrying did not help.',
  HUB_UNREACHABLE: 'The Hugging Face Hub could not be reached after several attempts.',
  HUB_ERROR: 'The Hugging Face Hub returned an unexpected response.',
  REDIRECT_REFUSED:
    'A redirect was not followed: too many redirects, a redirect from HTTPS to HTTP, or any redirect from a remote engine.',
  OFFLINE: 'Offline mode is on (`HF_HUB_OFFLINE` is set), and the data is not available locally.',

  // Remote engines
  REMOTE_NOT_CONFIGURED: 'The configuration file has no remote engine with this name.',
  REMOTE_MODEL_NOT_FOUND: 'The remote engine has no model with this name.',
  REMOTE_UNREACHABLE: 'The remote engine is not running, could not be reached, or did not respond in time.',
  REMOTE_CUT: "The remote engine's answer was interrupted. The text received so far is incomplete.",
  REMOTE_ERROR: 'The remote engine failed or returned an unexpected response.',

  LMSTUDIO_NOT_INSTALLED: 'LM Studio is not installed, or has never been started and has not set up its `lms` command.',
  LMSTUDIO_FAILED: "LM Studio's `lms` command could not be run, timed out, or did not do what was requested.",

  // Downloads and the cache
  CHECKSUM_MISSING: 'The Hugging Face Hub provides no checksum, so the file cannot be verified and is not downloaded.',
  CHECKSUM_MISMATCH: 'The downloaded data does not match its checksum and was discarded.',
  SIZE_MISMATCH: 'A file with a different size than the one on the Hugging Face Hub already exists.',
  REMOTE_CHANGED: 'The file changed on the Hugging Face Hub during the download.',
  DOWNLOAD_CANCELLED: 'The download was cancelled.',
  DOWNLOAD_PAUSED: 'The download was paused. `RESUME_DOWNLOAD` continues it.',
  DOWNLOAD_NOT_FOUND: 'There is no download of this model.',
  CACHE_LIMIT: 'The download would exceed the cache size limit, even after removing every model that may be removed.',
  CACHE_MOVING: 'The cache is being moved, or cannot be moved because other host processes are using it.',
  NAME_CONFLICT:
    "The file name differs only in the case of letters from that of another model, which the cache's disk does not distinguish.",
  DISK_FULL: "Not enough disk space is free on the cache's disk.",
  FILE_TOO_LARGE: 'The file system of the cache, or a limit of the process, does not allow files this large.',
  CACHE_NOT_WRITABLE: 'The host has no permission to write to the cache folder.',
  FILE_IN_USE: 'Another program has opened a file that the host needs to change. Close that program, then try again.',
  TOO_MANY_FILES: 'The host, or the system, has too many files open. Close other programs or raise the limit.',
  CACHE_ERROR: 'Reading from or writing to the cache failed.',

  // Start and registration with browsers
  ORIGIN_NOT_ALLOWED:
    'The configuration does not allow the extension that started the host. The host exits after this error.',
  HOST_UPDATED: 'The host was updated or removed while it was running. Start it again to use the new version.',
  CONFIG_UNUSABLE: 'The configuration file cannot be read, is not valid, or can be changed by other users.',
  UNSAFE_FOLDER:
    'Another user owns or can write to a folder in which the host keeps its data or from which it would start a program.',
  NO_SERVER: 'No `tabagent serve` of this user is running, which would keep a model loaded.',
  SERVE_FAILED:
    'The server for programs on this computer could not be started, or not be registered to start at login.',
  REGISTRATION_FAILED: 'The host could not be registered with the browsers, or its installation record is damaged.',
} as const satisfies Record<string, string>;

/** One of the stable error codes. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Codes that any action can reply with. Declarations list the others. */
export const COMMON_ERRORS = [
  'INVALID_JSON',
  'INVALID_REQUEST',
  'UNKNOWN_ACTION',
  'FRAME_TOO_LARGE',
  'FRAME_TRUNCATED',
  'REPLY_TOO_LARGE',
  'ABORTED',
  'CONFIG_UNUSABLE',
  'UNSAFE_FOLDER',
  'ORIGIN_NOT_ALLOWED',
  'TOO_MANY_FILES',
  'DISK_FULL',
  'CACHE_NOT_WRITABLE',
  'INTERNAL_ERROR',
  'HOST_UPDATED',
] as const satisfies readonly ErrorCode[];

/** Codes of actions that use the cache or the database of the host. */
export const CACHE_ERRORS = [
  'CACHE_ERROR',
  'CACHE_NOT_WRITABLE',
  'CACHE_MOVING',
  'DISK_FULL',
  'FILE_IN_USE',
] as const satisfies readonly ErrorCode[];

/** Codes of actions that ask the Hugging Face Hub. */
export const HUB_ERRORS = [
  'REPO_NOT_FOUND',
  'REVISION_NOT_FOUND',
  'FILE_NOT_FOUND',
  'GATED_REPO',
  'UNAUTHORIZED',
  'RATE_LIMITED',
  'HUB_UNREACHABLE',
  'HUB_ERROR',
  'REDIRECT_REFUSED',
  'OFFLINE',
  'CHECKSUM_MISSING',
  'KEYCHAIN_UNAVAILABLE',
] as const satisfies readonly ErrorCode[];

/** Codes of actions that download a model, or use the files of another program, beside those of the hub and the cache. */
export const DOWNLOAD_ERRORS = [
  'FILE_TOO_LARGE',
  'NAME_CONFLICT',
  'CHECKSUM_MISMATCH',
  'SIZE_MISMATCH',
  'REMOTE_CHANGED',
  'DOWNLOAD_CANCELLED',
  'DOWNLOAD_PAUSED',
  'CACHE_LIMIT',
  'MODEL_IN_USE',
  'MODEL_NOT_DOWNLOADED',
] as const satisfies readonly ErrorCode[];

/** Codes of actions that ask a remote engine. */
export const REMOTE_ERRORS = [
  'REMOTE_NOT_CONFIGURED',
  'REMOTE_MODEL_NOT_FOUND',
  'REMOTE_UNREACHABLE',
  'REMOTE_CUT',
  'REMOTE_ERROR',
  'REDIRECT_REFUSED',
  'RATE_LIMITED',
  'UNAUTHORIZED',
  'KEYCHAIN_UNAVAILABLE',
] as const satisfies readonly ErrorCode[];

/** Codes of actions in which a loaded model works. */
export const MODEL_ERRORS = [
  'MODEL_NOT_LOADED',
  'MODEL_NOT_CAPABLE',
  'CONTEXT_OVERFLOW',
  'INSUFFICIENT_MEMORY',
  'ENGINE_CRASHED',
  'ENGINE_ENDED',
  ...REMOTE_ERRORS,
] as const satisfies readonly ErrorCode[];
