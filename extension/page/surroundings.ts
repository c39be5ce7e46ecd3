import { browser } from 'wxt/browser';
import { type Surroundings, systemOf } from './fixes.ts';

/** Where this page runs. */
export const surroundings: Surroundings = {
  system: systemOf(navigator.platform),
  extensionId: browser.runtime.id,
};
