import { describe, expect, it } from '@jest/globals';
import { planLoginStart } from '../../../host/serve/login-start.ts';

const POSIX = {
  env: {},
  home: '/home/a b',
  dataFolder: '/home/a b/.local/share/tabagent',
  command: ['/opt/no de', '/opt/100%/$HOME/"x"\\main.js', 'serve', '--port', '1'],
  variables: { TABAGENT_HOME: '/data/<&>' },
};

describe('planLoginStart', () => {
  it('writes a systemd user unit in which nothing is expanded', () => {
    const plan = planLoginStart({ ...POSIX, platform: 'linux' });
    expect(plan.file).toBe('/home/a b/.config/systemd/user/tabagent.service');
    expect(plan.link).toBe('/home/a b/.config/systemd/user/default.target.wants/tabagent.service');
    const lines = String(plan.contents).split('\n');
    expect(lines).toContain('ExecStart="/opt/no de" "/opt/100%%/$$HOME/\\"x\\"\\\\main.js" "serve" "--port" "1"');
    expect(lines).toContain('Environment="TABAGENT_HOME=/data/<&>"');
    expect(lines).toContain('WantedBy=default.target');
  });

  it('follows XDG_CONFIG_HOME', () => {
    const file = (folder: string) =>
      planLoginStart({ ...POSIX, env: { XDG_CONFIG_HOME: folder }, platform: 'linux' }).file;
    expect(file('/etc/mine')).toBe('/etc/mine/systemd/user/tabagent.service');
    expect(file('relative')).toBe('/home/a b/.config/systemd/user/tabagent.service');
  });

  it('writes a launch agent on macOS', () => {
    const plan = planLoginStart({ ...POSIX, platform: 'darwin' });
    expect(plan.file).toBe('/home/a b/Library/LaunchAgents/dev.tabagent.serve.plist');
    expect(plan.contents).toContain(
      '<string>/opt/no de</string><string>/opt/100%/$HOME/&quot;x&quot;\\main.js</string>',
    );
    expect(plan.contents).toContain('<key>TABAGENT_HOME</key><string>/data/&lt;&amp;&gt;</string>');
    expect(plan.contents).toContain('<key>RunAtLoad</key><true/>');
    expect(plan.startNow).toBe(`launchctl bootstrap gui/$(id -u) '${plan.file}'`);
  });

  it('writes a task on Windows, only for the user', () => {
    const plan = planLoginStart({
      platform: 'win32',
      env: { USERDOMAIN: 'PC', USERNAME: 'A & B' },
      home: 'C:\\Users\\A',
      dataFolder: 'C:\\Users\\A\\AppData\\Local\\TabAgent',
      command: ['C:\\Program Files\\TabAgent\\tabagent-host.exe', 'C:\\a b\\', 'serve', '--port', '1'],
      variables: {},
    });
    const text = Buffer.from(plan.contents as Uint8Array).toString('utf16le');
    expect(text.startsWith('\ufeff<?xml version="1.0" encoding="UTF-16"?>')).toBe(true);
    expect(text).toContain('<Command>C:\\Program Files\\TabAgent\\tabagent-host.exe</Command>');
    expect(text).toContain('<Arguments>&quot;C:\\a b\\\\&quot; serve --port 1</Arguments>');
    expect(text).toContain('<LogonTrigger><Enabled>true</Enabled><UserId>PC\\A &amp; B</UserId></LogonTrigger>');
    expect(text).toContain('<RunLevel>LeastPrivilege</RunLevel>');
    expect(plan.register).toEqual(['/Create', '/TN', 'TabAgent', '/XML', plan.file, '/F']);
    expect(plan.unregister).toEqual(['/Delete', '/TN', 'TabAgent', '/F']);
  });

  it('rejects paths that would add a line to the file', () => {
    for (const platform of ['linux', 'darwin', 'win32'] as const) {
      const command = ['/opt/a\nExecStart=/bin/evil', 'serve'];
      expect(() => planLoginStart({ ...POSIX, command, platform })).toThrow('control character');
    }
  });
});
