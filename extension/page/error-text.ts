import type { ErrorView } from './error-view.ts';
import { format, type MessageKey, t } from './i18n.ts';

/** Returns the sentence for an error in the user's language. A host newer than this extension may send other codes. */
export function errorText({ code, engine, missingBytes }: ErrorView): string {
  if (code === 'DISK_FULL' && missingBytes !== undefined && missingBytes > 0) {
    return t('errorDiskFullBy', format.bytes(missingBytes));
  }
  if (code === 'UNAUTHORIZED' && engine !== undefined) return t('errorEngineKey', engine);
  if (code === 'REMOTE_UNREACHABLE' && engine !== undefined) return t('errorEngineUnreachable', engine);
  return t(`error_${code}` as MessageKey) || t('error_unknown');
}
