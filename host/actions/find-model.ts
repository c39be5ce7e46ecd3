import { kindOfName } from '../catalog/file-kind.ts';
import { kindWith } from '../catalog/read-kinds.ts';
import { defined } from '../common/defined.ts';
import { isHostError } from '../common/errors.ts';
import { modelNotDownloaded } from '../common/host-errors.ts';
import { sum } from '../common/sum.ts';
import { isExternalName } from '../external/external-id.ts';
import type { ExternalModel } from '../external/external-model.ts';
import type { BaseModel } from '../gguf/base-model.ts';
import { isCompanion, KIND_NAMES } from '../gguf/kind.ts';
import { rejection } from '../gguf/reject.ts';
import type { RetryPause } from '../hub/retry.ts';
import type { RemoteFile } from '../hub/types.ts';
import type { CachedModel, DownloadResult, DownloadStatus } from '../model-files/types.ts';
import type { FileKind } from '../protocol/file-kinds.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { Call } from './action.ts';
import { askHubBriefly, askPatiently, HUB_UNAVAILABLE, type WaitListener } from './hub-patience.ts';
import { CONTACTING_HUB } from './progress.ts';

/** A model that is on the disk. */
export interface ObtainedModel extends DownloadResult {
  /** The program whose files these are, if they are used in place. */
  readonly external?: ExternalModel;
  /** What was downloaded. */
  readonly kind?: FileKind;
  /** The base model of an adapter. */
  readonly baseModel?: BaseModel;
}

/** Options for obtaining a model. */
export interface ObtainOptions {
  /** Accepts another program's file of the same name without asking the hub for a newer one. For loading. */
  readonly trustNames?: boolean;
  /** Downloads a LoRA adapter as well as a model. */
  readonly mayBeAdapter?: boolean;
  /** The speed limit of a download. */
  readonly maxBytesPerSecond?: number | undefined;
  /** @param step Label of the current step. */
  readonly onProgress: (status: DownloadStatus, step: string) => void;
}

/** Files of a split model the hub is asked about at a time: a name can claim a thousand. */
const REQUESTS_AT_ONCE = 8;

/**
 * Obtains a model: from the cache, from another program that has the same files, or from the Hugging Face Hub.
 *
 * @throws HostError what a download throws; `MODEL_NOT_DOWNLOADED` and `CHECKSUM_MISMATCH` for a `local/…` id.
 */
export async function obtainModel(name: ModelName, call: Call, options: ObtainOptions): Promise<ObtainedModel> {
  const { services, signal } = call;
  const cache = await services.cache();
  const present = await cache.find(name);
  if (present !== undefined) return { model: present, alreadyDownloaded: true };
  const external = isExternalName(name)
    ? await elsewhere(name, call, options)
    : await sameElsewhere(name, call, options);
  if (external !== undefined) return { model: asCached(name, external), alreadyDownloaded: true, external };
  const { maxBytesPerSecond, mayBeAdapter = false } = options;
  const facts = await factsBeforeDownload(name, call, mayBeAdapter);
  const onProgress = (status: DownloadStatus) => options.onProgress(status, 'Downloading');
  return { ...(await cache.download(name, { signal, onProgress, maxBytesPerSecond })), ...facts };
}

/** Finds the files of a model of another program without reading them. Throws `MODEL_NOT_DOWNLOADED` for an unknown `local/…` id. */
export async function externalFiles(
  name: ModelName,
  parts: Call['services'],
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const external = await (await parts.external()).find(name, { signal });
  if (external === undefined && isExternalName(name)) throw modelNotDownloaded(name.id);
  return external?.files.map(({ path }) => path);
}

/** Returns a completed download for a model of another program, which need not be downloaded. */
export async function externalStatus(name: ModelName, { services, signal }: Call): Promise<DownloadStatus | undefined> {
  const external = await (await services.external()).find(name, { signal });
  return external === undefined
    ? undefined
    : { ...statusOf(name, sizeOf(external), sizeOf(external)), status: 'completed' };
}

/**
 * Finds a model on this computer. That of another program is verified against the program's checksums.
 *
 * @throws HostError `MODEL_NOT_DOWNLOADED`, `CHECKSUM_MISMATCH`.
 */
export async function findHere(name: ModelName, call: Call, options: ObtainOptions): Promise<CachedModel> {
  const present = await (await call.services.cache()).find(name);
  return present ?? asCached(name, await elsewhere(name, call, options));
}

async function elsewhere(name: ModelName, call: Call, options: ObtainOptions): Promise<ExternalModel> {
  const local = await call.services.external();
  const external = await local.find(name, { signal: call.signal, trustNames: options.trustNames === true });
  if (external === undefined) throw modelNotDownloaded(name.id);
  await local.verify(external, checking(name, call, options));
  return external;
}

/** Finds the same model in another program; undefined if there is none or it is damaged. */
async function sameElsewhere(name: ModelName, call: Call, options: ObtainOptions): Promise<ExternalModel | undefined> {
  const { services, signal } = call;
  const local = await services.external();
  if (await local.isEmpty(signal)) return undefined;
  const named = async (trustNames: boolean) => {
    const external = await local.find(name, { signal, trustNames });
    return external !== undefined && (await isWhole(external, name, call, options)) ? external : undefined;
  };
  const known = options.trustNames === true ? await named(false) : undefined;
  if (known !== undefined) return known;
  // A download that is already running continues.
  if ((await (await services.cache()).status(name))?.status === 'downloading') return undefined;
  // Unlike a download, a load does not need the hub to confirm a file that another program has under this name.
  const isHere = options.trustNames === true && (await local.find(name, { signal, trustNames: true })) !== undefined;
  try {
    const remotes = isHere
      ? await askHubBriefly(call, (limit) => remoteFiles(name, call, limit))
      : await askPatiently(call, waitListener(name, options), (onPause) => remoteFiles(name, call, signal, onPause));
    if (remotes === undefined) return await named(true);
    return await local.match(name, remotes, checking(name, call, options));
  } catch (error) {
    signal.throwIfAborted();
    // If the hub cannot be asked, the program's own records decide; for a load, also if the hub refuses.
    if (options.trustNames === true ? !isHostError(error) : !isHostError(error, ...HUB_UNAVAILABLE)) throw error;
    const trusted = await named(true);
    if (trusted === undefined) throw error;
    return trusted;
  }
}

/** Returns a listener that reports what a request waits for as the progress of obtaining a model. */
export function waitListener(name: ModelName, { onProgress }: ObtainOptions): WaitListener {
  return (activity) => onProgress({ ...statusOf(name, 0, 0), activity }, CONTACTING_HUB);
}

/** Returns the metadata of all files of a model on the hub. */
async function remoteFiles(
  name: ModelName,
  { services }: Call,
  signal: AbortSignal,
  onPause?: (pause: RetryPause | undefined) => void,
): Promise<RemoteFile[]> {
  const hub = await services.hub();
  const files = shardFiles(name.file);
  const remotes: RemoteFile[] = [];
  for (let at = 0; at < files.length; at += REQUESTS_AT_ONCE) {
    const group = files.slice(at, at + REQUESTS_AT_ONCE);
    remotes.push(
      ...(await Promise.all(group.map((file) => hub.fileInfo(name, file, { signal, ...defined({ onPause }) })))),
    );
  }
  return remotes;
}

/**
 * Throws `MODEL_REJECTED`, as a load would, before a file is downloaded that is not a model according to its header.
 * Otherwise, returns its kind, which its name determines if its header cannot be read.
 */
async function factsBeforeDownload(
  name: ModelName,
  { services, signal }: Call,
  mayBeAdapter: boolean,
): Promise<Pick<ObtainedModel, 'kind' | 'baseModel'>> {
  const named = kindOfName(name.file);
  // The kind of a partial download was checked when it started, or could not be determined then.
  if ((await (await services.cache()).status(name)) !== undefined) return { kind: named };
  const [{ kind, baseModel } = {}] = await (await services.fileKinds()).read([{ name }], signal);
  if (isCompanion(kind) && !(mayBeAdapter && kind === 'adapter')) {
    throw rejection(name.file)(`it is ${KIND_NAMES[kind]}`, { expected: 'a language model', found: kind });
  }
  return { kind: kindWith(named, kind), ...defined({ baseModel }) };
}

/** Verifies a model against the checksums of its program. A damaged one is not changed, and the model is downloaded. */
async function isWhole(external: ExternalModel, name: ModelName, call: Call, options: ObtainOptions): Promise<boolean> {
  try {
    await (await call.services.external()).verify(external, checking(name, call, options));
    return true;
  } catch (error) {
    if (!isHostError(error, 'CHECKSUM_MISMATCH', 'MODEL_NOT_DOWNLOADED')) throw error;
    call.services.log.warn('external.not-usable', { id: name.id, error });
    return false;
  }
}

function checking(name: ModelName, { signal }: Call, { onProgress }: ObtainOptions) {
  return {
    signal,
    onProgress: ({ checked, total }: { checked: number; total: number }) =>
      onProgress(statusOf(name, checked, total), 'Verifying the existing file'),
  };
}

function statusOf(name: ModelName, downloaded: number, total: number): DownloadStatus {
  return { name, downloaded, total, status: 'downloading', startedAt: 0, bytesPerSecond: 0 };
}

function asCached(name: ModelName, external: ExternalModel): CachedModel {
  return { name, files: external.files.map(({ path }) => path), size: sizeOf(external) };
}

function sizeOf({ files }: ExternalModel): number {
  return sum(files.map(({ size }) => size));
}
