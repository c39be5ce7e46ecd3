import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cacheError } from '../common/cache-errors.ts';
import { assertSpace } from '../common/disk-space.ts';
import { HostError, isHostError } from '../common/errors.ts';
import { renameFile } from '../common/files-in-use.ts';
import type { Logger } from '../common/log.ts';
import { sum } from '../common/sum.ts';
import type { HostLimits } from '../config.ts';
import { FileDownload } from '../download/file-download.ts';
import type { RateLimiter } from '../download/rate-limiter.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import type { DownloadIndex } from '../model-files/download-index.ts';
import { type CacheLayout, fileKey } from '../model-files/layout.ts';
import { ModelFolder } from '../model-files/model-folder.ts';
import { assertOwn } from '../model-files/model-folders.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { fileRecordOf, type VerifiedFile } from './verify-model.ts';

/** Options for a repair. */
export interface RepairOptions {
  /** Rate limiter shared by all downloads of the host. */
  readonly rateLimiter: RateLimiter;
  readonly layout: CacheLayout;
  readonly index: DownloadIndex;
  readonly hub: () => Promise<HubClient>;
  readonly limits: HostLimits;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Called with the downloaded and the total number of bytes of the files that are repaired. */
  readonly onProgress: (done: number, total: number) => void;
}

/** Errors of hubs that do not accept commits as revisions, such as some mirrors. */
const NOT_FOUND: readonly ErrorCode[] = ['REVISION_NOT_FOUND', 'FILE_NOT_FOUND'];

/** A damaged or missing file, and its download. */
interface FileRepair {
  readonly checked: VerifiedFile;
  readonly remote: RemoteFile;
  readonly download: FileDownload;
}

/**
 * Repairs the damaged and missing files of a model. The caller must hold the model's lock, and no host may have the
 * model loaded.
 *
 * A damaged file is first renamed to a partial file that lacks the damaged chunks, and then downloaded like any partial
 * file. If the host is killed, the file is still damaged under its name, or partial, or complete; RESUME_DOWNLOAD,
 * DOWNLOAD_MODEL and another repair continue it.
 *
 * @throws HostError before any file is changed if the hub is not reachable or a file in a linked folder belongs to the
 * user (`NOT_OURS`); later the errors of a download.
 */
export async function repairModel(
  name: ModelName,
  files: readonly VerifiedFile[],
  options: RepairOptions,
): Promise<{ fetched: number }> {
  const { layout, index, signal, log } = options;
  const wrong = files.filter(({ state }) => state === 'bad' || state === 'missing');
  const folder = new ModelFolder(layout, name);
  await assertOwn(
    layout,
    index,
    name,
    wrong.map(({ file }) => file),
  );
  const repairs: FileRepair[] = [];
  for (const checked of wrong)
    repairs.push(await plan(name, checked, folder, options, () => reportProgress(repairs, options)));
  const missing = await Promise.all(repairs.filter(({ checked }) => checked.state === 'missing').map(missingSpace));
  await assertSpace(folder.partials, sum(missing));
  const total = sum(repairs.map(({ remote }) => remote.size));
  const startedAt = Math.floor(Date.now() / 1000);
  // If the repair is interrupted, it can be resumed as a download.
  await index.setModel(name.id, { state: 'downloading', downloaded: 0, total, startedAt });
  try {
    const before: number[] = [];
    for (const { checked, remote, download } of repairs) {
      const key = fileKey(name, checked.file);
      if (checked.state === 'bad') await moveToPartial(folder.pathOf(checked.file), folder.partialPath(checked.file));
      // Chunk checksums that were computed from the file on the disk do not apply to the hub's file.
      if (checked.basis !== 'index' || checked.record?.firstCheck === true) await index.deleteFile(key);
      await index.setFile(key, fileRecordOf(remote, checked.record?.chunkBytes ?? options.limits.chunkBytes));
      await index.deleteChunks(
        key,
        checked.badChunks.map((chunk) => chunk.index),
      );
      await download.restore();
      before.push(download.downloaded);
    }
    reportProgress(repairs, options);
    for (const { download } of repairs) await download.run(signal);
    await index.deleteModel(name.id);
    return { fetched: total - sum(before) };
  } catch (error) {
    const downloaded = sum(repairs.map(({ download }) => download.downloaded));
    await index
      .setModel(name.id, { state: 'paused', downloaded, total, startedAt })
      .catch((failure: unknown) => log.warn('repair.state-not-saved', { id: name.id, error: failure }));
    throw error;
  }
}

async function plan(
  name: ModelName,
  checked: VerifiedFile,
  folder: ModelFolder,
  options: RepairOptions,
  onProgress: () => void,
) {
  const { index, limits, log, signal } = options;
  const hub = await options.hub();
  const { file, record } = checked;
  const known = record === undefined || record.firstCheck === true ? undefined : record;
  const now = await fileInfo(hub, name, file, known?.commit ?? null, signal);
  if (known !== undefined && now.checksum.hex !== known.checksum.hex) throw replaced(name, file);
  const remote: RemoteFile = { ...now, name };
  const key = fileKey(name, file);
  const download = new FileDownload({
    remote,
    key,
    folder,
    hub,
    index,
    limits: { ...limits, chunkBytes: known?.chunkBytes ?? limits.chunkBytes },
    log,
    rateLimiter: options.rateLimiter,
    onProgress,
    onActivity: () => {},
  });
  return { checked, remote, download };
}

/** Returns the hub's metadata of a file at the commit it was downloaded from, otherwise on the branch. */
async function fileInfo(hub: HubClient, name: ModelName, file: string, commit: string | null, signal: AbortSignal) {
  if (commit === null) return hub.fileInfo(name, file, { signal });
  try {
    return await hub.fileInfo({ ...name, revision: commit }, file, { signal });
  } catch (error) {
    const isUnknown = isHostError(error, ...NOT_FOUND);
    if (!isUnknown) throw error;
    return hub.fileInfo(name, file, { signal });
  }
}

/** Renames a damaged file to the path of its partial file. */
async function moveToPartial(finalPath: string, partialPath: string): Promise<void> {
  try {
    await mkdir(dirname(partialPath), { recursive: true, mode: 0o700 });
    await renameFile(finalPath, partialPath);
  } catch (error) {
    throw cacheError(error, finalPath);
  }
}

function missingSpace({ download }: FileRepair): Promise<number> {
  return download.missingSpace();
}

function reportProgress(repairs: readonly FileRepair[], { onProgress }: RepairOptions): void {
  onProgress(sum(repairs.map(({ download }) => download.downloaded)), sum(repairs.map(({ remote }) => remote.size)));
}

function replaced(name: ModelName, file: string): HostError {
  return new HostError(
    'REMOTE_CHANGED',
    `${name.repoId}/${file} has changed on the Hugging Face Hub, so this copy cannot be repaired. Delete the model and download it again.`,
    { details: { repoId: name.repoId, fileName: file } },
  );
}
