import { t } from './i18n.ts';
import type { Store } from './store.svelte.ts';

/** Checks the files of a model against their checksums; notices show the result. */
export async function verifyModel(store: Store, modelId: string): Promise<void> {
  const payload = await store.toasts.showDuring(t('verifying'), store.attempt('VERIFY_MODEL', { modelPath: modelId }));
  if (payload === undefined) return;
  if (payload.bad === 0) store.toasts.show(t('verifiedGood'));
  else store.toasts.show(t('verifiedBad'), { label: t('repair'), run: () => void repairModel(store, modelId) });
}

async function repairModel(store: Store, modelId: string): Promise<void> {
  const payload = await store.toasts.showDuring(t('repairing'), store.attempt('REPAIR_MODEL', { modelPath: modelId }));
  if (payload !== undefined) store.toasts.show(payload.bad === 0 ? t('repaired') : t('notRepaired'));
}
