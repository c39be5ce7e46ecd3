import type { CachedModel, DownloadResult, DownloadStatus } from '../cache/types.ts';
import { isHostError } from '../common/errors.ts';
import { modelNotDownloaded } from '../common/host-errors.ts';
import { sum } from '../common/sum.ts';
import { isExternalName } from '../external/external-id.ts';
import type { ExternalModel } from '../external/external-model.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { Call } from './action.ts';

/** A model that is on this disk now. */
export interface ObtainedModel extends DownloadResult {
  /** Set where the files are another program's, to be loaded where they lie. */
  readonly external?: ExternalModel;
}

/** How a model is got. */
export interface ObtainOptions {
  /** A load takes what another program has under the model's own name without asking the hub whether there is a newer one. */
  readonly believeNames?: boolean;
  /** Keeps a download below this speed. */
  readonly maxBytesPerSecond?: number | undefined;
  /** @param doing What is being done, for a person. */
  readonly onProgress: (status: DownloadStatus, doing: string) => void;
}

/** Errors of a hub that cannot be asked, as opposed to one that says no. */
const NOT_TO_BE_ASKED: readonly ErrorCode[] = ['OFFLINE', 'HUB_UNREACHABLE'];

/** Parts of a sharded model the hub is asked about at a time: a name can claim a thousand. */
const ASKED_AT_ONCE = 8;

/**
 * Gets a model: out of our cache, from where another program holds the very same files, or from the hub.
 *
 * @throws HostError what a download throws; `MODEL_NOT_DOWNLOADED` and `CHECKSUM_MISMATCH` for a `local/…` id.
 */
export async function obtainModel(name: ModelName, call: Call, options: ObtainOptions): Promise<ObtainedModel> {
  const { services, signal } = call;
  const cache = await services.cache();
  const present = await cache.find(name);
  if (present !== undefined) return { model: present, alreadyThere: true };
  const external = isExternalName(name)
    ? await localOnly(name, call, options)
    : await sameElsewhere(name, call, options);
  if (external !== undefined) return { model: asCached(name, external), alreadyThere: true, external };
  const { maxBytesPerSecond } = options;
  const onProgress = (status: DownloadStatus) => options.onProgress(status, 'Downloading');
  return cache.download(name, { signal, onProgress, maxBytesPerSecond });
}

/** The files of a model that another program holds, unread. Throws `MODEL_NOT_DOWNLOADED` for a `local/…` id that is not there. */
export async function externalFiles(
  name: ModelName,
  parts: Call['services'],
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const external = await (await parts.external()).find(name, { signal });
  if (external === undefined && isExternalName(name)) throw modelNotDownloaded(name.id);
  return external?.files.map(({ path }) => path);
}

/** How the download stands of a model that need not be downloaded: completed. */
export async function externalStatus(name: ModelName, { services, signal }: Call): Promise<DownloadStatus | undefined> {
  const external = await (await services.external()).find(name, { signal });
  return external === undefined
    ? undefined
    : { ...statusOf(name, sizeOf(external), sizeOf(external)), status: 'completed' };
}

async function localOnly(name: ModelName, call: Call, options: ObtainOptions): Promise<ExternalModel> {
  const local = await call.services.external();
  const external = await local.find(name, { signal: call.signal });
  if (external === undefined) throw modelNotDownloaded(name.id);
  await local.verify(external, checking(name, call, options));
  return external;
}

/** The same model in the hands of another program. Undefined where there is none, or one that is damaged. */
async function sameElsewhere(name: ModelName, call: Call, options: ObtainOptions): Promise<ExternalModel | undefined> {
  const { services, signal } = call;
  const local = await services.external();
  if (await local.isEmpty(signal)) return undefined;
  const named = async (believe: boolean) => {
    const external = await local.find(name, { signal, believe });
    return external !== undefined && (await isWhole(external, name, call, options)) ? external : undefined;
  };
  const known = options.believeNames === true ? await named(false) : undefined;
  if (known !== undefined) return known;
  // Whoever has begun to download it goes on with it.
  if ((await (await services.cache()).status(name))?.status === 'downloading') return undefined;
  try {
    const hub = await services.hub();
    const files = shardFiles(name.file);
    const remotes: Awaited<ReturnType<typeof hub.fileInfo>>[] = [];
    for (let at = 0; at < files.length; at += ASKED_AT_ONCE) {
      const group = files.slice(at, at + ASKED_AT_ONCE);
      remotes.push(...(await Promise.all(group.map((file) => hub.fileInfo(name, file, { signal })))));
    }
    return await local.match(name, remotes, checking(name, call, options));
  } catch (error) {
    signal.throwIfAborted();
    // Without a hub to ask, what a program says its file is has to do; for a load also where the hub will not say.
    if (options.believeNames === true ? !isHostError(error) : !isHostError(error, ...NOT_TO_BE_ASKED)) throw error;
    const believed = await named(true);
    if (believed === undefined) throw error;
    return believed;
  }
}

/** Checks a model by its program's checksums; a damaged one is left alone, and the model fetched anew. */
async function isWhole(external: ExternalModel, name: ModelName, call: Call, options: ObtainOptions): Promise<boolean> {
  try {
    await (await call.services.external()).verify(external, checking(name, call, options));
    return true;
  } catch (error) {
    if (!isHostError(error, 'CHECKSUM_MISMATCH', 'MODEL_NOT_DOWNLOADED')) throw error;
    call.services.log.warn('local.not-usable', { id: name.id, error });
    return false;
  }
}

function checking(name: ModelName, { signal }: Call, { onProgress }: ObtainOptions) {
  return {
    signal,
    onProgress: ({ checked, total }: { checked: number; total: number }) =>
      onProgress(statusOf(name, checked, total), 'Checking the file that is there'),
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
