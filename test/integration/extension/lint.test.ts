import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const LINTER = fileURLToPath(new URL('../../../node_modules/addons-linter/bin/addons-linter', import.meta.url));
const EXTENSION = fileURLToPath(new URL('../../../dist/extension/firefox', import.meta.url));

it("the linter of Firefox's store (as in web-ext) reports nothing about desktop browsers", () => {
  const said = JSON.parse(
    execFileSync(process.execPath, [LINTER, '--output', 'json', EXTENSION], { encoding: 'utf8' }),
  );
  const { errors, warnings, notices, metadata } = said;
  expect(metadata.id).toBe('tabagent@tabagent.dev');
  // The add-on is not offered for Android, which has no native messaging: there is no `gecko_android`. Readability sets
  // `innerHTML` of elements in a copy of the page that is never shown; highlight.js could set it, but has no element here: it
  // runs in a worker.
  expect(
    [...errors, ...warnings, ...notices].map(({ code, file }) => [code, file.replace(/-[\w-]{8}\.js$/, '.js')]),
  ).toEqual([
    ['KEY_FIREFOX_ANDROID_UNSUPPORTED_BY_MIN_VERSION', 'manifest.json'],
    ['UNSAFE_VAR_ASSIGNMENT', 'read-page.js'],
    ['UNSAFE_VAR_ASSIGNMENT', 'read-page.js'],
    ['UNSAFE_VAR_ASSIGNMENT', 'assets/code-colors-worker.js'],
  ]);
});

it("the manifest declares data that is passed to the host as transmitted, as Mozilla's policy requires", async () => {
  const manifest = JSON.parse(await readFile(join(EXTENSION, 'manifest.json'), 'utf8'));
  const { gecko, ...others } = manifest.browser_specific_settings;
  expect(gecko.data_collection_permissions).toEqual({
    required: ['personalCommunications', 'searchTerms', 'authenticationInfo', 'websiteContent', 'browsingActivity'],
  });
  expect(others).toEqual({});
});
