import { formatDuration } from '../common/format.ts';
import type { DownloadActivity, NextStep } from '../model-files/types.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { type ModelReference, referenceText } from '../requests/reference.ts';

/** Label of the step before a download in which the hub is asked about the model. */
export const CONTACTING_HUB = 'Contacting the hub';

/** How much of a model's bytes have been downloaded or verified. */
export interface Transfer {
  /** Without a file while the file has not been chosen yet. */
  readonly name: Pick<ModelName, 'id' | 'repoId' | 'file'>;
  readonly done: number;
  readonly total: number;
  readonly bytesPerSecond: number;
  readonly isComplete: boolean;
}

/** The payload that events about the bytes of a model share. */
export function transferProgress({ name, done, total, bytesPerSecond, isComplete }: Transfer) {
  const etaSeconds = bytesPerSecond > 0 ? Math.ceil((total - done) / bytesPerSecond) : null;
  return {
    modelId: name.id,
    repoId: name.repoId,
    fileName: name.file,
    loaded: done,
    total,
    progress: percent(done, total, isComplete),
    bytesPerSecond: Math.round(bytesPerSecond),
    etaSeconds: isComplete ? 0 : etaSeconds,
  };
}

/** Returns the fields that describe a running download, and what it does while no bytes arrive. */
export function activityFields(activity: DownloadActivity | undefined, now = Date.now()) {
  if (activity === undefined) return {};
  const { connections, stalledSince, next } = activity;
  return {
    connections,
    stalled: stalledSince !== undefined,
    stalledSince: stalledSince ?? null,
    next: next === undefined ? null : nextFields(next, now),
  };
}

/** Returns the text for the current step of a load; while its download waits for the hub, the text says so. */
export function stepMessage(step: string, activity: DownloadActivity | undefined, now = Date.now()): string {
  const { next, stalledSince } = activity ?? {};
  if (next?.action === 'wait') {
    return `Waiting ${formatDuration(nextFields(next, now).inSeconds)} because the hub limits requests`;
  }
  return stalledSince === undefined ? step : `${step} (no data for ${formatDuration(now / 1000 - stalledSince)})`;
}

/** The progress of a request whose download has not started, because the hub has not said yet which file it is. */
export function unnamedProgress(reference: ModelReference, activity: DownloadActivity) {
  const file = 'file' in reference ? reference.file : '';
  const name = { id: referenceText(reference), repoId: reference.repoId, file };
  const progress = transferProgress({ name, done: 0, total: 0, bytesPerSecond: 0, isComplete: false });
  return { ...progress, ...activityFields(activity) };
}

function nextFields({ action, at, code }: NextStep, now: number) {
  return { action, inSeconds: Math.max(0, Math.ceil((at - now) / 1000)), code: code ?? null };
}

/** Returns 0 to 100 with one decimal. An empty file is complete or not, and nothing in between. */
export function percent(done: number, total: number, isComplete = done >= total): number {
  if (total === 0) return isComplete ? 100 : 0;
  return Math.floor((done / total) * 1000) / 10;
}
