import { type ErrorDetails, HostError } from './errors.ts';

/**
 * Factories for errors that several modules report. They ensure that an error always has the same code, message and
 * details. A module creates errors that only it reports.
 */

/** Maximum number of characters of a client's value that are included in an error. */
const MAX_SHOWN = 200;

/** A request's field has an invalid value. `expected` completes "Expected `field` to be …". */
export function invalidField(name: string, expected: string, found: unknown): HostError {
  // The name of an unknown field, or a key of a record, is chosen by the client.
  const field = name.slice(0, MAX_SHOWN);
  const shown = found === undefined ? 'nothing' : (JSON.stringify(found) ?? String(found)).slice(0, MAX_SHOWN);
  return new HostError('INVALID_REQUEST', `Expected \`${field}\` to be ${expected}, got ${shown}.`, {
    details: { field, expected, found: shown },
  });
}

/** An environment variable has an invalid value. `expected` completes "NAME must be …". */
export function invalidVariable(name: string, expected: string, value: string): HostError {
  return new HostError('INVALID_REQUEST', `${name} must be ${expected}, but is "${value.slice(0, MAX_SHOWN)}".`, {
    details: { field: name, expected },
  });
}

/** A request needs a loaded model but does not specify one, and none is active. */
export function noModelLoaded(): HostError {
  return new HostError('MODEL_NOT_LOADED', 'No model is loaded. Load a model first.', { details: { modelId: null } });
}

/** The specified model is not loaded. Clients of the original host compare this message. */
export function modelNotLoaded(modelId: string): HostError {
  return new HostError('MODEL_NOT_LOADED', `Model not loaded: ${modelId}`, { details: { modelId } });
}

/** The model was unloaded while it was processing the request. */
export function modelUnloaded(modelId: string): HostError {
  return new HostError('MODEL_NOT_LOADED', `${modelId} was unloaded before it finished this request. Load it again.`, {
    details: { modelId },
  });
}

/** The model (or, with the id of a repository, all its models) is not on the disk. */
export function modelNotDownloaded(modelId: string): HostError {
  return new HostError('MODEL_NOT_DOWNLOADED', `${modelId} is not downloaded.`, {
    details: { modelId, model: modelId },
  });
}

/** The models are loaded or being downloaded, by this host or another one. */
export function modelInUse(modelIds: readonly string[]): HostError {
  return new HostError(
    'MODEL_IN_USE',
    `${modelIds.join(', ')}: in use. Unload it in every browser or cancel its download, then try again.`,
    { details: { models: modelIds } },
  );
}

/** The model does not have the requested ability. `reason` completes "… because …". */
export function modelNotCapable(
  modelId: string,
  ability: 'generate' | 'embed' | 'rank',
  reason: string,
  more: { hint?: string | undefined; architecture?: string } = {},
): HostError {
  const { hint, architecture } = more;
  const verb = { generate: 'generate text', embed: 'embed texts', rank: 'rank documents' }[ability];
  return new HostError(
    'MODEL_NOT_CAPABLE',
    `${modelId} cannot ${verb} because ${reason}. ${hint ?? 'Use a model that supports this.'}`,
    { details: { modelId, ability, ...(architecture === undefined ? {} : { architecture }), reason } },
  );
}

/** No download of the model is running, paused or finished. */
export function downloadNotFound(modelId: string): HostError {
  return new HostError('DOWNLOAD_NOT_FOUND', `There is no download of ${modelId}.`, { details: { modelId } });
}

/** llama.cpp could not be started. */
export function engineUnavailable(reason: string, details: Record<string, unknown>): HostError {
  return new HostError('ENGINE_UNAVAILABLE', `llama.cpp could not be started on this computer: ${reason}`, { details });
}

/** The disk was full while `path` was being written. */
export function diskFull(path: string, cause: unknown): HostError {
  return new HostError(
    'DISK_FULL',
    `The disk is full, so ${path} could not be written. Free up space, then try again.`,
    {
      details: fileDetails(path),
      cause,
    },
  );
}

/** The file system, or a limit of the process (`ulimit -f`), does not allow a file of the size that `path` needs. */
export function fileTooLarge(
  path: string,
  cause: unknown,
  reason = 'Its file system or a limit (ulimit -f)',
): HostError {
  return new HostError(
    'FILE_TOO_LARGE',
    `${reason} does not allow files as large as ${path} must become. Move the models to another disk (tabagent move), or raise the limit.`,
    { details: fileDetails(path), cause },
  );
}

/** The drive of `path`, such as `D:\\`, does not exist. */
export function driveMissing(path: string, drive: string, cause: unknown): HostError {
  return new HostError(
    'CACHE_NOT_WRITABLE',
    `${path} cannot be written: the drive ${drive} does not exist. Connect it, or choose another folder.`,
    { details: fileDetails(path), cause },
  );
}

/** The system denied access to `path`. */
export function noWritePermission(path: string, cause: unknown): HostError {
  return new HostError(
    'CACHE_NOT_WRITABLE',
    `No permission to write to ${path}. Make its folder writable, or set TABAGENT_HOME to another folder.`,
    { details: fileDetails(path), cause },
  );
}

/** Another program has `path` open, so the system does not allow changing it. */
export function fileInUse(path: string, cause: unknown): HostError {
  return new HostError(
    'FILE_IN_USE',
    `Another program has ${path} open, so it cannot be changed. Close that program, or wait for a virus scanner to finish, then try again.`,
    { details: fileDetails(path), cause },
  );
}

/** The process, or the system, has reached its limit of open files. */
export function tooManyFiles(path: string, cause: unknown): HostError {
  return new HostError(
    'TOO_MANY_FILES',
    `${path} could not be opened: too many files are open. Close other programs or raise the limit (ulimit -n), then try again.`,
    { details: fileDetails(path), cause },
  );
}

/** A module of the host, which is loaded on first use, is missing. */
export function hostUpdated(cause: unknown): HostError {
  const message = 'The host was updated or removed while it was running. Restart the browser.';
  return new HostError('HOST_UPDATED', message, { cause });
}

/** A file of this host is damaged. `what`: description of its contents. `remedy`: an imperative sentence. */
export function damagedFile(path: string, what: string, remedy: string, cause?: unknown): HostError {
  return new HostError('CACHE_ERROR', `${path}, which stores ${what}, is damaged. ${remedy}`, {
    details: fileDetails(path),
    cause,
  });
}

/** Returns the path under both names that clients may read. */
function fileDetails(path: string): ErrorDetails {
  return { path, file: path };
}

/** The client that sent the request has disconnected. */
export function clientDisconnected(cause?: unknown): HostError {
  return new HostError('ABORTED', 'The client disconnected before the request finished.', { cause });
}

/** The request was aborted before it was answered. */
export function requestAborted(): HostError {
  return new HostError('ABORTED', 'The request was cancelled.');
}

/** The host is exiting, or was closed by the program that contains it. */
export function hostShuttingDown(): HostError {
  return new HostError('ABORTED', 'The host is shutting down.');
}

/** A client cancelled the load. */
export function loadCancelled(): HostError {
  return new HostError('CANCELLED', 'The load was cancelled.');
}

/** A client cancelled the verification or repair. */
export function verificationCancelled(): HostError {
  return new HostError('CANCELLED', 'Verification was cancelled. Repairs made so far are kept.');
}
