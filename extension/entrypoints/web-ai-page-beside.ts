import { defineUnlistedScript } from 'wxt/utils/define-unlisted-script';
import { openConnection } from '../web-ai/page/connection.ts';
import { install } from '../web-ai/page/install.ts';

/** Like `web-ai-page.ts`, where the browser's own objects stay. */
export default defineUnlistedScript(() => {
  if (isSecureContext) install(window, { clientFor: openConnection(window), keepsNative: true });
});
