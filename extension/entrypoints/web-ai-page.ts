import { defineUnlistedScript } from 'wxt/utils/define-unlisted-script';
import { openConnection } from '../web-ai/page/connection.ts';
import { install } from '../web-ai/page/install.ts';

/** Runs in the documents of allowed sites, in their own world. */
export default defineUnlistedScript(() => {
  if (isSecureContext) install(window, { clientFor: openConnection(window), keepsNative: false });
});
