import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const LINTER = fileURLToPath(new URL('../../../node_modules/addons-linter/bin/addons-linter', import.meta.url));
const EXTENSION = fileURLToPath(new URL('../../../dist/extension/firefox', import.meta.url));

it("the linter of Firefox's store, which is that of web-ext too, finds nothing in the extension", () => {
  const said = JSON.parse(
    execFileSync(process.execPath, [LINTER, '--output', 'json', EXTENSION], { encoding: 'utf8' }),
  );
  const { errors, warnings, notices, metadata } = said;
  expect(metadata.id).toBe('tabagent@tabagent.dev');
  expect([...errors, ...warnings, ...notices]).toEqual([]);
});
