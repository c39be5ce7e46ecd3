import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type {} from '@wxt-dev/module-svelte';
import { defineConfig } from 'wxt';
import { iconFiles } from '../installers/build/extension-icons.ts';
import { CHROMIUM_PUBLIC_KEY, FIREFOX_ADDON_ID } from '../manifests/extension-identity.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const { version } = JSON.parse(readFileSync(`${here}/../package.json`, 'utf8'));

/** Only scripts, styles and connections of the extension itself are allowed. Model output is untrusted. */
const PAGES_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Mozilla counts what an extension passes to a native application as transmitted. Chats, searches for models, access
 * tokens, and the text and addresses of pages that the user asks about go to the host on the same computer.
 */
const TRANSMITTED_DATA = [
  'personalCommunications',
  'searchTerms',
  'authenticationInfo',
  'websiteContent',
  'browsingActivity',
];

/** One source for Chromium-based browsers and Firefox, both as Manifest V3. */
export default defineConfig({
  modules: ['@wxt-dev/module-svelte'],
  // Creates elements one by one, so that no page ever parses text as HTML.
  svelte: { vite: { compilerOptions: { fragments: 'tree' } } },
  imports: false,
  manifestVersion: 3,
  outDir: '../dist/extension',
  outDirTemplate: '{{browser}}{{modeSuffix}}',
  vite: () => ({
    build: {
      target: 'es2024',
      modulePreload: false,
      // Timings of plugins would look like a problem to someone who runs "npm start" for the first time.
      rolldownOptions: { checks: { bundlerTimings: false } },
    },
  }),
  hooks: {
    async 'build:publicAssets'(_wxt, files) {
      files.push(...(await iconFiles()));
    },
  },
  manifest: ({ browser, mode }) => ({
    name: '__MSG_name__',
    short_name: 'TabAgent',
    description: '__MSG_description__',
    version,
    default_locale: 'en',
    permissions: [
      'activeTab',
      'contextMenus',
      'nativeMessaging',
      'scripting',
      'storage',
      ...(browser === 'firefox' ? [] : ['sidePanel']),
    ],
    // Asked for when a download takes long.
    optional_permissions: ['notifications'],
    // Asked for one site at a time, when the user lets it use models. Others do not have the interfaces in any browser.
    optional_host_permissions: ['https://*/*', 'http://localhost/*', 'http://*.localhost/*', 'http://127.0.0.1/*'],
    commands: {
      'ask-about-page': { suggested_key: { default: 'Alt+Shift+L' }, description: '__MSG_askAboutPage__' },
    },
    omnibox: { keyword: 'ta' },
    icons: { 16: 'icon/16.png', 32: 'icon/32.png', 48: 'icon/48.png', 128: 'icon/128.png' },
    action: { default_title: 'TabAgent', default_icon: { 16: 'icon/16.png', 32: 'icon/32.png' } },
    // A development build loads changed modules from the development server.
    ...(mode === 'development' ? {} : { content_security_policy: { extension_pages: PAGES_POLICY } }),
    ...(browser === 'firefox'
      ? {
          browser_specific_settings: {
            gecko: {
              id: FIREFOX_ADDON_ID,
              // The first release with every style and API used here and with the prompt for data consent.
              strict_min_version: '140.0',
              data_collection_permissions: { required: TRANSMITTED_DATA },
            },
          },
        }
      : {
          // Other extensions may ask for a model; web pages may not connect.
          externally_connectable: { ids: ['*'] },
          key: CHROMIUM_PUBLIC_KEY,
          minimum_chrome_version: '123',
        }),
  }),
});
