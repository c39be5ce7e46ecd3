import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cacheError } from '../cache/cache-errors.ts';
import { type CacheLayout, fileKey } from '../cache/layout.ts';
import { ModelFolder } from '../cache/model-folder.ts';
import { assertOwn } from '../cache/model-folders.ts';
import { recordOf, type VerifiedFile } from '../cache/verify-model.ts';
import { assertSpace } from '../common/disk-space.ts';
import { HostError, isHostError } from '../common/errors.ts';
import { renameFile } from '../common/files-in-use.ts';
import type { Logger } from '../common/log.ts';
import { sum } from '../common/sum.ts';
import type { HostLimits } from '../config.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { ModelName } from '../protocol/model-name.ts';
import type { DownloadIndex } from './download-index.ts';
import { FileDownload } from './file-download.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** What a repair is made with. */
export interface RepairOptions {
  /** Shared by all downloads of the host. */
  readonly allowance: RateLimiter;
  readonly layout: CacheLayout;
  readonly index: DownloadIndex;
  readonly hub: () => Promise<HubClient>;
  readonly limits: HostLimits;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Hears how many bytes of the files that are mended are there, and how many there will be. */
  readonly onProgress: (done: number, total: number) => void;
}

/** What a hub says that does not know a commit by itself, as some mirrors do not. */
const NOT_FOUND: readonly ErrorCode[] = ['REVISION_NOT_FOUND', 'FILE_NOT_FOUND'];

/** A file that is not good, and what a hub is to be asked for. */
interface Mend {
  readonly checked: VerifiedFile;
  readonly remote: RemoteFile;
  readonly download: FileDownload;
}

/**
 * Mends the files of a model that are bad or missing. Whoever calls holds the model's lock, and nobody has it loaded.
 *
 * A bad file leaves its name first, by a rename to the place of a download on its way: from then on it is one that lacks
 * some chunks, and everything holds for it that holds for downloads. Killed at any moment, it is bad under its name as it
 * was before, or on its way, or whole; RESUME_DOWNLOAD, DOWNLOAD_MODEL and another repair go on with it.
 *
 * @throws HostError before a file is touched when the hub cannot be asked, or when a file in a linked folder is the
 * user's (`NOT_OURS`); what a download throws.
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
  const mends: Mend[] = [];
  for (const checked of wrong) mends.push(await plan(name, checked, folder, options, () => tell(mends, options)));
  const missing = await Promise.all(mends.filter(({ checked }) => checked.state === 'missing').map(missingSpace));
  await assertSpace(folder.partials, sum(missing));
  const total = sum(mends.map(({ remote }) => remote.size));
  const startedAt = Math.floor(Date.now() / 1000);
  // The next start and other hosts see a download that can be gone on with.
  await index.setModel(name.id, { state: 'downloading', downloaded: 0, total, startedAt });
  try {
    const before: number[] = [];
    for (const { checked, remote, download } of mends) {
      const key = fileKey(name, checked.file);
      if (checked.state === 'bad') await takeAway(folder.pathOf(checked.file), folder.partialPath(checked.file));
      // Chunks of a file that was only ever compared with itself say nothing of the hub's.
      if (checked.basis !== 'index' || checked.record?.firstCheck === true) await index.deleteFile(key);
      await index.setFile(key, recordOf(remote, checked.record?.chunkBytes ?? options.limits.chunkBytes));
      await index.deleteChunks(
        key,
        checked.badChunks.map((chunk) => chunk.index),
      );
      await download.recall();
      before.push(download.downloaded);
    }
    tell(mends, options);
    for (const { download } of mends) await download.run(signal);
    await index.deleteModel(name.id);
    return { fetched: total - sum(before) };
  } catch (error) {
    const downloaded = sum(mends.map(({ download }) => download.downloaded));
    await index
      .setModel(name.id, { state: 'paused', downloaded, total, startedAt })
      .catch((fault: unknown) => log.warn('repair.not-remembered', { id: name.id, error: fault }));
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
  const now = await askFor(hub, name, file, known?.commit ?? null, signal);
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
    allowance: options.allowance,
    onProgress,
  });
  return { checked, remote, download };
}

/** What the hub says of a file at the commit it was downloaded from; where that is not known, of the branch now. */
async function askFor(hub: HubClient, name: ModelName, file: string, commit: string | null, signal: AbortSignal) {
  if (commit === null) return hub.fileInfo(name, file, { signal });
  try {
    return await hub.fileInfo({ ...name, revision: commit }, file, { signal });
  } catch (error) {
    const isUnknown = isHostError(error, ...NOT_FOUND);
    if (!isUnknown) throw error;
    return hub.fileInfo(name, file, { signal });
  }
}

/** Gives a bad file the name of one on its way, in one step. */
async function takeAway(finalPath: string, partialPath: string): Promise<void> {
  try {
    await mkdir(dirname(partialPath), { recursive: true, mode: 0o700 });
    await renameFile(finalPath, partialPath);
  } catch (error) {
    throw cacheError(error, finalPath);
  }
}

function missingSpace({ download }: Mend): Promise<number> {
  return download.missingSpace();
}

function tell(mends: readonly Mend[], { onProgress }: RepairOptions): void {
  onProgress(sum(mends.map(({ download }) => download.downloaded)), sum(mends.map(({ remote }) => remote.size)));
}

function replaced(name: ModelName, file: string): HostError {
  return new HostError(
    'REMOTE_CHANGED',
    `${name.repoId}/${file} is another file on the hub by now, so this one cannot be mended. Delete the model and download it again.`,
    { details: { repoId: name.repoId, fileName: file } },
  );
}
