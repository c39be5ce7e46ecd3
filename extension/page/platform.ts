import { browser } from 'wxt/browser';
import { type Platform, systemOf } from './host-fixes.ts';

/** The platform of this page. */
export const platform: Platform = {
  system: systemOf(navigator.platform),
  extensionId: browser.runtime.id,
};
