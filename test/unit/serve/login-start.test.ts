import { describe, expect, it } from '@jest/globals';
import { planLoginStart } from '../../../host/serve/login-start.ts';
import { parseXml, type XmlElement } from '../../support/common/parse-xml.ts';

const POSIX = {
  env: {},
  home: '/home/a b',
  dataFolder: '/home/a b/.local/share/tabagent',
  command: ['/opt/no de', '/opt/100%/$HOME/"x"\\main.js', 'serve', '--port', '1'],
  variables: { TABAGENT_HOME: '/data/<&>' },
};

/** Returns the value of a property list, whose format is described in plist(5). */
function plistValue({ name, text, children }: XmlElement): unknown {
  switch (name) {
    case 'string':
      return text;
    case 'integer':
      return Number(text);
    case 'true':
    case 'false':
      return name === 'true';
    case 'array':
      return children.map(plistValue);
    case 'dict': {
      const keys = children.filter((_, index) => index % 2 === 0);
      expect(keys.map((key) => key.name)).toEqual(keys.map(() => 'key'));
      return Object.fromEntries(
        keys.map(({ text: key }, index) => [key, plistValue(children[index * 2 + 1] as XmlElement)]),
      );
    }
    default:
      throw new Error(`Not an element of a property list: ${name}`);
  }
}

/** Returns the text of each element without children, by its path. */
function textsIn({ name, text, children }: XmlElement, above = ''): Record<string, string> {
  const path = `${above}/${name}`;
  if (children.length === 0) return { [path]: text };
  return Object.assign({}, ...children.map((child) => textsIn(child, path)));
}

/** Splits a command line as Windows programs do: CommandLineToArgvW, without the program's name. */
function splitOnWindows(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let isQuoted = false;
  for (const [, slashes = '', next = ''] of line.matchAll(/(\\*)(["\s]|[^"\s\\]|$)/g)) {
    if (next === '"') {
      word = (word ?? '') + '\\'.repeat(Math.floor(slashes.length / 2));
      if (slashes.length % 2 === 1) word += '"';
      else isQuoted = !isQuoted;
      continue;
    }
    if (slashes !== '') word = (word ?? '') + slashes;
    if (next !== '' && (isQuoted || next !== ' ')) word = (word ?? '') + next;
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  return words;
}

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
    const root = parseXml(String(plan.contents));
    expect([root.name, root.attributes, root.children.length]).toEqual(['plist', { version: '1.0' }, 1]);
    expect(root.children.map(plistValue)).toEqual([
      {
        Label: 'dev.tabagent.serve',
        ProgramArguments: POSIX.command,
        EnvironmentVariables: POSIX.variables,
        RunAtLoad: true,
        KeepAlive: { Crashed: true },
        Umask: 0o077,
      },
    ]);
    expect(plan.startNow).toBe(`launchctl bootstrap gui/$(id -u) '${plan.file}'`);
  });

  it('writes a task on Windows, only for the user', () => {
    const words = ['C:\\a b\\', 'serve', '--port', '1', 'a"b', 'x\\\\"', '', '100%', '$HOME', 'x y\\z', "it's", '<&>'];
    const plan = planLoginStart({
      platform: 'win32',
      env: { USERDOMAIN: 'PC', USERNAME: 'Ä & <B>' },
      home: 'C:\\Users\\A',
      dataFolder: 'C:\\Users\\A\\AppData\\Local\\TabAgent',
      command: ['C:\\Program Files\\T&A\\tabagent-host.exe', ...words],
      variables: {},
    });
    const text = Buffer.from(plan.contents as Uint8Array).toString('utf16le');
    expect(text.startsWith('\ufeff<?xml version="1.0" encoding="UTF-16"?>')).toBe(true);
    const root = parseXml(text);
    expect(root.attributes).toEqual({
      version: '1.2',
      xmlns: 'http://schemas.microsoft.com/windows/2004/02/mit/task',
    });
    const { '/Task/Actions/Exec/Arguments': line, ...rest } = textsIn(root);
    expect(splitOnWindows(line ?? '')).toEqual(words);
    expect(rest).toEqual({
      '/Task/RegistrationInfo/Description': 'TabAgent: language models for programs on this computer',
      '/Task/Triggers/LogonTrigger/Enabled': 'true',
      '/Task/Triggers/LogonTrigger/UserId': 'PC\\Ä & <B>',
      '/Task/Principals/Principal/UserId': 'PC\\Ä & <B>',
      '/Task/Principals/Principal/LogonType': 'InteractiveToken',
      '/Task/Principals/Principal/RunLevel': 'LeastPrivilege',
      '/Task/Settings/MultipleInstancesPolicy': 'IgnoreNew',
      '/Task/Settings/DisallowStartIfOnBatteries': 'false',
      '/Task/Settings/StopIfGoingOnBatteries': 'false',
      '/Task/Settings/ExecutionTimeLimit': 'PT0S',
      '/Task/Settings/RestartOnFailure/Interval': 'PT1M',
      '/Task/Settings/RestartOnFailure/Count': '3',
      '/Task/Actions/Exec/Command': 'C:\\Program Files\\T&A\\tabagent-host.exe',
    });
    // The action runs as the only principal.
    const [actions] = root.children.filter(({ name }) => name === 'Actions');
    const [principals] = root.children.filter(({ name }) => name === 'Principals');
    expect(actions?.attributes.Context).toBe(principals?.children[0]?.attributes.id);
    expect(plan.register).toEqual(['/Create', '/TN', 'TabAgent', '/XML', plan.file, '/F']);
    expect(plan.unregister).toEqual(['/Delete', '/TN', 'TabAgent', '/F']);
  });

  it('rejects paths in which the task scheduler of Windows would replace something', () => {
    const windows = { ...POSIX, platform: 'win32' as const, variables: {} };
    for (const folder of ['C:\\%PATH%', 'C:\\$(Arg0)']) {
      expect(() => planLoginStart({ ...windows, command: [`${folder}\\x.exe`] })).toThrow('task scheduler');
    }
  });

  it('rejects paths that would add a line to the file', () => {
    for (const platform of ['linux', 'darwin', 'win32'] as const) {
      const command = ['/opt/a\nExecStart=/bin/evil', 'serve'];
      expect(() => planLoginStart({ ...POSIX, command, platform })).toThrow('control character');
    }
  });
});
