import { format, t } from './i18n.ts';
import type { DownloadedModel } from './model-rows.ts';
import type { Store } from './store.svelte.ts';

/** Checks whether the hub has newer files of a model, and shows the result in a notice. */
export async function checkForUpdate(store: Store, modelId: string): Promise<void> {
  const payload = await store.toasts.showDuring(
    t('checkingForUpdate'),
    store.attempt('CHECK_UPDATES', { modelPath: modelId }),
  );
  const { state, newSize, changedAt } = payload?.models[0] ?? {};
  if (state === 'newer') {
    const newer = { size: newSize ?? 0, ...(typeof changedAt === 'number' ? { changedAt } : {}) };
    const run = () => void updateModel(store, modelId);
    store.toasts.show(updateText(t('updateAvailable'), newer), { label: t('update'), run });
  } else if (state === 'current') store.toasts.show(t('upToDate'));
  else if (state === 'gone') store.toasts.show(t('goneFromHub'));
  else if (state === 'unknown') store.toasts.show(t('updateUnknown'));
}

/** Returns what to show of a model's newer files: `label`, their size, and when they were changed, if that is known. */
export function updateText(label: string, newer: DownloadedModel['newer']): string {
  const { size = 0, changedAt } = newer ?? {};
  const parts = [
    label,
    size > 0 ? format.bytes(size) : '',
    changedAt === undefined ? '' : format.day(changedAt * 1000),
  ];
  return parts.filter(Boolean).join(' · ');
}

/** Downloads the newer files of a model, which take the place of the old ones. */
export async function updateModel(store: Store, modelId: string): Promise<void> {
  const payload = await store.attempt('DOWNLOAD_MODEL', { modelPath: modelId, update: true });
  if (payload !== undefined) store.toasts.show(t('modelUpdated'));
}
