import type { ErrorView } from './error-view.ts';
import { format, t } from './i18n.ts';

/** Returns the sentence for an error in the user's language. */
export function errorText({ code, key, missingBytes }: ErrorView): string {
  if (code === 'DISK_FULL' && missingBytes !== undefined && missingBytes > 0) {
    return t('errorDiskFullBy', format.bytes(missingBytes));
  }
  return t(key);
}
