import 'wxt/browser';
import type { MessageKey } from './page/i18n.ts';

/** WXT generates these types in a build; the sources are checked without one. */
declare module 'wxt/browser' {
  interface WxtRuntime {
    getURL(path: string): string;
  }
  interface WxtI18n {
    getMessage(key: MessageKey, values?: string[]): string;
  }
}
