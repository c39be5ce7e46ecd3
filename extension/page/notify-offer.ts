import { browser } from 'wxt/browser';
import { t } from './i18n.ts';
import type { Store } from './store.svelte.ts';

/** Key in `storage.local`; its value is true once notifications were offered. */
const OFFERED = 'notificationsOffered';

/** Shortest remaining time of a download to offer notifications for, seconds. */
const LONG_SECONDS = 60;

let isOffered = false;

/** Offers notifications during the first long download, and never again. */
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
    // Browsers allow this request only in the handler of a click.
    run: () => void browser.permissions.request({ permissions: ['notifications'] }),
  });
}
