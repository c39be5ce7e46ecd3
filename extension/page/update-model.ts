import { t } from './i18n.ts';
import type { Store } from './store.svelte.ts';

/** Checks whether the hub has newer files of a model, and shows the result in a notice. */
export async function checkForUpdate(store: Store, modelId: string): Promise<void> {
  store.toasts.show(t('checkingForUpdate'));
  const payload = await store.attempt('CHECK_UPDATES', { modelPath: modelId });
  const state = payload?.models[0]?.state;
  if (state === 'newer')
    store.toasts.show(t('updateAvailable'), { label: t('update'), run: () => void updateModel(store, modelId) });
  else if (state === 'current') store.toasts.show(t('upToDate'));
  else if (state === 'gone') store.toasts.show(t('goneFromHub'));
  else if (state === 'unknown') store.toasts.show(t('updateUnknown'));
}

/** Downloads the newer files of a model, which take the place of the old ones. */
export async function updateModel(store: Store, modelId: string): Promise<void> {
  const payload = await store.attempt('DOWNLOAD_MODEL', { modelPath: modelId, update: true });
  if (payload !== undefined) store.toasts.show(t('modelUpdated'));
}
