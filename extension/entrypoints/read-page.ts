import { defineUnlistedScript } from 'wxt/utils/define-unlisted-script';
import { readPage } from '../page-context/read-page.ts';

/** Runs in a page that the user asks about. What it returns is the result of `scripting.executeScript`. */
export default defineUnlistedScript(() => readPage(document, location));
