import { browser } from 'wxt/browser';
import { defineUnlistedScript } from 'wxt/utils/define-unlisted-script';
import { bridge } from '../web-ai/bridge.ts';
import { SITE_PORT } from '../web-ai/names.ts';

/** Runs beside the documents of allowed sites, in the extension's own world. */
export default defineUnlistedScript(() => {
  if (isSecureContext) bridge(window, () => browser.runtime.connect({ name: SITE_PORT }));
});
