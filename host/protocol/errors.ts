/**
 * Every error code a reply can carry, with what it means. Codes are stable: clients branch on them, people read the
 * message beside them.
 */
export const ERROR_CODES = {
  // The request itself
  INVALID_JSON: 'The body of a frame was not a JSON object in UTF-8.',
  INVALID_REQUEST: 'A field is missing, ill-typed or out of range; `details.field` names it.',
  UNKNOWN_ACTION: 'The host has no action of this name.',
  FRAME_TOO_LARGE: 'A frame announced more bytes than a request may have. The host stops after this.',
  FRAME_TRUNCATED: 'The input ended in the middle of a frame. The host stops after this.',
  LOCAL_ONLY: 'Only the user of this machine may ask for this, by the command `tabagent`; a browser may not.',
  COMMAND_NOT_ALLOWED: 'The command is not one the user listed in the configuration of this host.',
  COMMAND_FAILED: 'The command could not be started, or ran longer than it may.',
  REPLY_TOO_LARGE: 'The reply would not fit into one frame; ask for less with `limit` and `cursor`.',
  CANCELLED: 'The work was given up because a user asked for that.',
  ABORTED: 'The work was given up because the client went away or the host is stopping. Nothing is lost.',
  INTERNAL_ERROR: 'A fault of the host itself. The log has the details.',

  // Models and the engine
  UNSUPPORTED_MODEL_TYPE: 'The model is of a type this host does not run.',
  MODEL_NOT_LOADED: 'The model is not in memory.',
  MODEL_NOT_DOWNLOADED: 'The model is not on this disk.',
  NOT_OURS: 'The model belongs to another program or to the user; it is used where it lies, and never deleted.',
  MODEL_IN_USE: 'The model is loaded, or being downloaded; unload or cancel it first.',
  MODEL_REJECTED: 'The file is not a model llama.cpp can load; `details` says what was expected and found.',
  ENGINE_CRASHED: 'The process that held the model died. The host and other models go on.',
  ENGINE_UNAVAILABLE: 'llama.cpp could not be started on this machine.',
  LOAD_TIMEOUT: 'Loading took longer than allowed and was given up.',
  INSUFFICIENT_MEMORY: 'The model needs more memory than there is.',

  // Generating and embedding
  MODEL_NOT_CAPABLE: 'The model cannot do this (generate, embed or rank); `details.reason` says why.',
  CONTEXT_OVERFLOW: 'A prompt or text has more tokens than the context of this load; `details` has both figures.',
  EMBEDDING_FAILED: 'llama.cpp failed while it embedded or ranked a text; the model stays loaded.',
  CHAT_TEMPLATE_FAILED: "The model's own chat template cannot render these messages, or takes too long over it.",
  GENERATION_FAILED: 'llama.cpp failed while it evaluated the prompt or chose a token; the model stays loaded.',

  KEYCHAIN_UNAVAILABLE: "A secret is in the system's keychain, which is locked, not there, or gave no answer in time.",

  // Conversations
  CONVERSATION_NOT_FOUND: 'There is no conversation of this id.',
  DATABASE_TOO_NEW: 'A later version of this host has written the database; update this one.',

  // The hub
  REPO_NOT_FOUND: 'The hub has no such repository, or it is private and the token does not open it.',
  REVISION_NOT_FOUND: 'The repository has no such branch, tag or commit.',
  FILE_NOT_FOUND: 'The repository has no such file at this revision.',
  GATED_REPO: 'The repository asks for its terms to be accepted before files can be fetched.',
  UNAUTHORIZED: 'The hub refused the token, or an engine elsewhere its key; or asks for one.',
  RATE_LIMITED: 'The hub, or an engine elsewhere, asked to come back later, and went on asking.',
  HUB_UNREACHABLE: 'No answer from the hub: no network, no such host, connection refused or cut, too many times.',
  HUB_ERROR: 'The hub answered with something a hub does not answer.',
  REDIRECT_REFUSED:
    'The hub redirected to a place that is not followed (too many steps, or from HTTPS to plain HTTP). An engine elsewhere is not followed anywhere.',
  OFFLINE: 'HF_HUB_OFFLINE is set, and the answer is not on the disk.',

  // Engines elsewhere
  REMOTE_NOT_CONFIGURED: 'The configuration file names no engine of this name.',
  REMOTE_MODEL_NOT_FOUND: 'The engine elsewhere has no model of this name.',
  REMOTE_UNREACHABLE:
    'No answer from the engine elsewhere: it does not run, there is no way to it, or nothing came in time.',
  REMOTE_CUT: 'The answer of the engine elsewhere broke off; the text that had come is not the whole.',
  REMOTE_ERROR: 'The engine elsewhere failed, or answered with something such an engine does not answer.',

  LMSTUDIO_NOT_INSTALLED: 'LM Studio is not on this machine, or was never started and has no command `lms` yet.',
  LMSTUDIO_FAILED: "LM Studio's command `lms` could not be run, took too long, or did not do what it was asked.",

  // Downloads and the cache
  CHECKSUM_MISSING: 'The hub announced no checksum, so the file cannot be verified and is not fetched.',
  CHECKSUM_MISMATCH: 'The bytes are not those the hub announced; the bad download was discarded.',
  SIZE_MISMATCH: 'The file has another size than the hub announced.',
  REMOTE_CHANGED: 'The file changed on the hub while it was being downloaded.',
  DOWNLOAD_CANCELLED: 'The download was cancelled.',
  DOWNLOAD_PAUSED: 'The download was paused; RESUME_DOWNLOAD goes on with it.',
  DOWNLOAD_NOT_FOUND: 'There is no download of this model.',
  NAME_CONFLICT:
    'The disk of the cache does not tell the name from that of another model there, which differs in the case of letters.',
  CACHE_LIMIT: 'The cache would be larger than the user set, with every model removed that may be.',
  CACHE_MOVING: 'The cache is being moved to another folder, or other hosts that use it keep it from being moved.',
  DISK_FULL: 'The disk of the cache has too little space.',
  CACHE_NOT_WRITABLE: 'The cache folder cannot be written to.',
  FILE_IN_USE: 'Another program has a file open that was to be changed; close it and try again.',
  CACHE_ERROR: 'Reading or writing the cache failed.',

  // Starting, and registering with browsers
  ORIGIN_NOT_ALLOWED:
    'The extension that started the host is not one its configuration allows. The host stops after this.',
  HOST_UPDATED: 'The host was updated or removed while it ran; a new start runs the new one.',
  CONFIG_UNUSABLE: 'The configuration file cannot be read or understood, or others could have written it.',
  UNSAFE_FOLDER:
    'Another user owns a folder, or can write to it, that the host keeps its data in or would start a program from.',
  REGISTRATION_FAILED: 'The host could not be registered with the browsers, or its record of that cannot be used.',
} as const satisfies Record<string, string>;

/** One of the stable error codes. */
export type ErrorCode = keyof typeof ERROR_CODES;
