import 'wxt/browser';
import type { MessageKey } from './page/i18n.ts';

/** WXT leaves these to types it generates on every build; the sources are checked without a build. */
declare module 'wxt/browser' {
  interface WxtRuntime {
    getURL(path: string): string;
  }
  interface WxtI18n {
    getMessage(key: MessageKey, values?: string[]): string;
  }
}
