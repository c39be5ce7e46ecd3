import { browser } from 'wxt/browser';
import { t } from './i18n.ts';
import type { Store } from './store.svelte.ts';

/** In `storage.local`: true once notifications were offered. */
const OFFERED = 'notificationsOffered';

/** Downloads that take at least this long are worth a notification, seconds. */
const LONG_SECONDS = 60;

let isOffered = false;

/** Offers notifications once, with the first download that takes long. */
export async function offerNotifications({ rows, toasts }: Pick<Store, 'rows' | 'toasts'>): Promise<void> {
  const isLong = rows.some(
    ({ stage, progress }) => stage === 'downloading' && (progress?.etaSeconds ?? 0) >= LONG_SECONDS,
  );
  if (!isLong || isOffered) return;
  isOffered = true;
  const { [OFFERED]: before } = await browser.storage.local.get(OFFERED);
  if (before === true) return;
  await browser.storage.local.set({ [OFFERED]: true });
  toasts.show(t('notifyOffer'), {
    label: t('notifyAccept'),
    // Browsers allow the question only in the handler of a click.
    run: () => void browser.permissions.request({ permissions: ['notifications'] }),
  });
}
