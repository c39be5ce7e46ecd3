import { t } from './i18n.ts';
import type { ModelRow } from './model-rows.ts';
import type { Store } from './store.svelte.ts';

/** Removes a model that the user added to the list. A notice offers to undo that. */
export async function removeFromList(store: Store, { id, name }: ModelRow): Promise<void> {
  const entry = store.snapshot.available.find((model) => model.id === id);
  const payload = await store.attempt('REMOVE_MODEL_FROM_LIST', { modelId: id });
  if (payload === undefined || entry === undefined) return;
  const { description, tags, size_gb, default_quant, requires_token } = entry;
  const model = { id, name: entry.name, description, tags, size_gb, default_quant, requires_token };
  store.toasts.show(t('removedFromList', name), {
    label: t('undo'),
    run: () => void store.attempt('ADD_MODEL_TO_LIST', { model }),
  });
}
