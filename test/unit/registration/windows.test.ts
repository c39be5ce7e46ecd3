import { describe, expect, it } from '@jest/globals';
import { batchArguments } from '../../../host/cli/doctor/ping.ts';
import { programFolder } from '../../../host/configuration/program-folder.ts';
import { launcherText, planLauncher } from '../../../host/registration/launcher.ts';
import { isSameValue, type RegResult, readKey, writeKey } from '../../../host/registration/registry.ts';

const NODE = 'C:\\Program Files\\nodejs\\node.exe';
const MAIN = 'C:\\tab agent\\dist\\host\\main.js';

describe('the batch file on Windows', () => {
  it('starts Node and the host with the browser’s arguments, in quotes', () => {
    const lines = launcherText('win32', [NODE, MAIN]).split('\r\n');
    expect(lines[0]).toBe('@echo off');
    expect(lines.at(-2)).toBe(`"${NODE}" "${MAIN}" %*`);
    expect(lines.at(-1)).toBe('');
  });

  it('escapes percent signs and exclamation marks', () => {
    const text = launcherText('win32', [NODE, 'C:\\100%PATH%\\a!b\\main.js']);
    expect(text).toContain('"C:\\100%%PATH%%\\a!b\\main.js" %*');
    expect(text).toContain('setlocal DisableDelayedExpansion');
  });

  it.each(['C:\\a & b (1)\\host.bat', 'C:\\a&b^c@d,e;f=g\\host.bat'])(
    'is started with its whole path: %s',
    (program) => {
      // With /s, cmd.exe removes the first quote and the last, and keeps all others as they are.
      expect(batchArguments(program, ['--parent-window=0']).join(' ')).toBe(
        `/d /s /c ""${program}" "--parent-window=0""`,
      );
    },
  );

  it('switches to UTF-8 only if a path is not ASCII', () => {
    expect(launcherText('win32', [NODE, MAIN])).not.toContain('chcp');
    expect(launcherText('win32', [NODE, 'C:\\Users\\José\\main.js']).split('\r\n')[1]).toBe(
      '"%SystemRoot%\\System32\\chcp.com" 65001 >nul',
    );
  });

  it('is not created for a program that is an executable', () => {
    const common = { system: 'win32', programFolder: 'C:\\data', systemWide: false } as const;
    const execPath = 'C:\\TabAgent\\tabagent-host.exe';
    expect(planLauncher({ ...common, execPath })).toEqual({ hostPath: execPath, runs: [execPath] });
    expect(planLauncher({ ...common, execPath, mainPath: execPath })).toEqual({ hostPath: execPath, runs: [execPath] });
    expect(planLauncher({ ...common, execPath: NODE, mainPath: MAIN }).hostPath).toBe(
      'C:\\data\\bin\\tabagent-host.bat',
    );
  });

  it('is in a folder that only administrators can write to if it is for all users', () => {
    const scope = { systemWide: true, dataFolder: 'C:\\data' };
    expect(programFolder({ system: 'win32', env: { ProgramFiles: 'D:\\Programs' } }, scope)).toBe(
      'D:\\Programs\\TabAgent',
    );
    expect(programFolder({ system: 'darwin', env: {} }, scope)).toBe('/Library/Application Support/TabAgent');
    expect(programFolder({ system: 'linux', env: {} }, scope)).toBe('/usr/local/lib/tabagent');
  });
});

describe('the registry through reg.exe', () => {
  const answer = (result: Partial<RegResult>) => async () => ({ code: 0, stdout: '', stderr: '', ...result });

  it.each(['(Default)', '(Standard)', '(par défaut)'])(
    'reads the default value, whatever Windows calls it: %s',
    async (name) => {
      const stdout = `\r\nHKEY_CURRENT_USER\\Software\\X\r\n    ${name}    REG_SZ    C:\\a b\\x.json\r\n\r\n`;
      expect(await readKey(answer({ stdout }), 'HKCU\\Software\\X')).toBe('C:\\a b\\x.json');
    },
  );

  it('returns no value for a missing key', async () => {
    expect(await readKey(answer({ code: 1 }), 'HKCU\\Software\\X')).toBeUndefined();
  });

  it('fails with the output of reg.exe', async () => {
    await expect(
      writeKey(answer({ code: 1, stderr: 'Access is denied.' }), 'HKLM\\Software\\X', 'v'),
    ).rejects.toMatchObject({
      code: 'REGISTRATION_FAILED',
      message: expect.stringContaining('Access is denied.'),
    });
  });

  it('recognizes a value in another code page, and no other', () => {
    expect(isSameValue('C:\\Users\\Jos\x82\\x.json', 'C:\\Users\\José\\x.json')).toBe(true);
    expect(isSameValue('C:\\Users\\Ada\\x.json', 'C:\\Users\\José\\x.json')).toBe(false);
    expect(isSameValue('C:\\Users\\ada\\x.json', 'C:\\Users\\ada\\x.json')).toBe(true);
    expect(isSameValue('C:\\Users\\ada\\xyjson', 'C:\\Users\\ada\\x.json')).toBe(false);
  });
});
