import type { DownloadStatus } from '../cache/types.ts';
import { defined } from '../common/defined.ts';
import type { DownloadProgressPayload } from '../protocol/messages.ts';

/** A download's state as the original's clients read it. */
export function statusEntry(status: DownloadStatus) {
  return {
    repo_id: status.name.repoId,
    file_path: status.name.file,
    downloaded: status.downloaded,
    total: status.total,
    progress: percent(status.downloaded, status.total, status.status === 'completed'),
    status: status.status,
    started_at: status.startedAt,
    ...defined({ error: status.error && { ...status.error } }),
  };
}

/** The payload of a `MODEL_DOWNLOAD_PROGRESS`. */
export function downloadProgress(status: DownloadStatus): DownloadProgressPayload {
  const { name, downloaded, total, bytesPerSecond } = status;
  const etaSeconds = bytesPerSecond > 0 ? Math.ceil((total - downloaded) / bytesPerSecond) : null;
  return {
    repoId: name.repoId,
    fileName: name.file,
    loaded: downloaded,
    total,
    progress: percent(downloaded, total, status.status === 'completed'),
    bytesPerSecond: Math.round(bytesPerSecond),
    etaSeconds: status.status === 'completed' ? 0 : etaSeconds,
  };
}

/** 0 to 100 with one decimal. Of an empty file, nothing is left to do once it is there. */
export function percent(done: number, total: number, completed: boolean): number {
  if (total === 0) return completed ? 100 : 0;
  return Math.floor((done / total) * 1000) / 10;
}
