import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';

const STRANGER = 'abcdefghijklmnopabcdefghijklmnop';
const MANIFEST = '/usr/lib/mozilla/native-messaging-hosts/com.tabagent.host.json';

describe('a host that a browser starts', () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open();
  });
  afterEach(() => fixture.close());

  it.each([
    ['another extension of Chrome', [`chrome-extension://${STRANGER}/`]],
    ['another add-on of Firefox', [MANIFEST, 'other@example.org']],
    ['no add-on at all', [MANIFEST]],
    ['a page', ['moz-extension://0c6d5f1e-0000-4000-8000-000000000000/']],
    ['an id that is no id', ['chrome-extension://himjamfdhofmlajadokkbdcnhlhegnbdx/']],
    ['a page of the right name elsewhere', ['moz-extension://tabagent@tabagent.dev/']],
  ])('rejects %s in the reply to its first message, and exits', async (_who, args) => {
    const host = fixture.host({ args });
    expect(await host.request('GET_SYSTEM_RESOURCES')).toMatchObject({
      status: 'error',
      code: 'ORIGIN_NOT_ALLOWED',
      action: 'GET_SYSTEM_RESOURCES',
      message: expect.stringContaining('tabagent install --extension-id'),
    });
    expect(await host.exited).toEqual({ code: 1, signal: null });
    expect(host.received).toHaveLength(1);
  });

  it('also rejects an extension that sends nothing', async () => {
    const host = fixture.host({ args: [`chrome-extension://${STRANGER}/`] });
    expect(await host.next(() => true)).toMatchObject({ status: 'error', code: 'ORIGIN_NOT_ALLOWED' });
    expect(await host.exited).toEqual({ code: 1, signal: null });
  });

  it('accepts an extension that was allowed at installation, until it is uninstalled', async () => {
    const args = [`chrome-extension://${STRANGER}/`];
    const install = ['install', '--browser', 'chromium', '--extension-id', STRANGER];
    expect(await runCommand(install, { home: fixture.home })).toMatchObject({ code: 0 });
    expect(await fixture.host({ args }).request('PING')).toMatchObject({ response: 'pong' });
    expect(await runCommand(['uninstall'], { home: fixture.home })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Configuration: removed'),
    });
    expect(await fixture.host({ args }).request('PING')).toMatchObject({ code: 'ORIGIN_NOT_ALLOWED' });
  });

  it('keeps the other settings of the configuration', async () => {
    const file = join(fixture.home, 'config.json');
    await writeFile(file, '{"allowedExtensions": ["me@here"], "later": 1}', { mode: 0o600 });
    await runCommand(['install', '--browser', 'chromium', '--extension-id', STRANGER], { home: fixture.home });
    expect(await fixture.host({ args: [MANIFEST, 'me@here'] }).request('PING')).toMatchObject({ response: 'pong' });
    expect(await fixture.host({ args: [`chrome-extension://${STRANGER}/`] }).request('PING')).toMatchObject({
      response: 'pong',
    });
    await runCommand(['uninstall'], { home: fixture.home });
    expect(await fixture.host({ args: [MANIFEST, 'me@here'] }).request('PING')).toMatchObject({ response: 'pong' });
  });

  it.each([
    ['is no JSON', '{', 0o600],
    ['is of another shape', '{"allowedExtensions": "me@here"}', 0o600],
    ['others may write', '{"allowedExtensions": ["me@here"]}', 0o666],
  ])('allows no extension of a configuration that %s', async (_what, text, mode) => {
    const file = join(fixture.home, 'config.json');
    await mkdir(fixture.home, { recursive: true });
    await writeFile(file, text);
    await chmod(file, mode);
    const reply = await fixture.host({ args: [MANIFEST, 'me@here'] }).request('PING');
    expect(reply).toMatchObject({ status: 'error', code: 'CONFIG_UNUSABLE', message: expect.stringContaining(file) });
    // The extension it was made for does not depend on the file.
    expect(await fixture.host().request('PING')).toMatchObject({ response: 'pong' });
  });
});
