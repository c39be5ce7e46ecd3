import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, posix, relative, win32 } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  findProgram,
  programFolders,
  requireProgram,
  searchVariables,
  variable,
} from '../../host/common/find-program.ts';
import { tempFolder } from '../support/gguf/temp-folder.ts';

(process.platform === 'win32' ? describe.skip : describe)('finding a program', () => {
  const temporary = tempFolder('find-program');
  afterAll(() => temporary.remove());
  const planted = join(temporary.path, 'planted');
  const installed = join(temporary.path, 'installed');
  const later = join(temporary.path, 'later');
  const place = async (folder: string, name: string, mode = 0o755) => {
    await writeFile(join(folder, name), '#!/bin/sh\n');
    await chmod(join(folder, name), mode);
  };
  beforeAll(async () => {
    for (const folder of [planted, installed, later]) await mkdir(folder);
    await place(planted, 'tool');
    await place(planted, 'only-planted');
    await place(installed, 'tool');
    await place(installed, 'no-program', 0o644);
    await mkdir(join(installed, 'a-folder'));
    await symlink(join(installed, 'nowhere'), join(installed, 'broken'));
    for (const name of ['tool', 'no-program', 'a-folder', 'broken']) await place(later, name);
  });

  const PATH = ['', '.', relative(process.cwd(), planted), installed, later].join(':');

  it('skips empty and relative folders of PATH', () => {
    expect(findProgram('tool', { env: { PATH } })).toBe(join(installed, 'tool'));
    expect(findProgram('only-planted', { env: { PATH } })).toBeUndefined();
  });

  it.each(['no-program', 'a-folder', 'broken'])('skips a file that cannot be started: %s', (name) => {
    expect(findProgram(name, { env: { PATH } })).toBe(join(later, name));
  });

  it('accepts an absolute path, and no relative path', () => {
    expect(findProgram(join(planted, 'tool'), { env: {} })).toBe(join(planted, 'tool'));
    expect(findProgram(join(planted, 'none'), { env: {} })).toBeUndefined();
    expect(findProgram(relative(process.cwd(), join(planted, 'tool')), { env: { PATH } })).toBeUndefined();
    expect(findProgram(`../planted/tool`, { env: { PATH } })).toBeUndefined();
    expect(findProgram('', { env: { PATH } })).toBeUndefined();
  });

  it.each([{}, { PATH: '' }, { PATH: ':.:bin' }])('searches the default folders if PATH has none: %j', (env) => {
    expect(programFolders({ env })).toEqual(['/usr/bin', '/bin']);
    expect(searchVariables(env)).toEqual({ PATH: '/usr/bin:/bin' });
  });

  it('reports the missing program', () => {
    expect(() => requireProgram('only-planted', { env: { PATH } })).toThrow('only-planted');
  });

  it('prefers the program in System32 on Windows to those in the current folder and in PATH', async () => {
    const system = join(temporary.path, 'Windows', 'System32');
    await mkdir(system, { recursive: true });
    await place(system, 'reg.exe');
    for (const folder of [planted, installed]) for (const name of ['reg.exe', 'reg.com']) await place(folder, name);
    const env = { SystemRoot: join(temporary.path, 'Windows'), PATH };
    expect(findProgram('reg', { env, platform: 'win32', paths: posix })).toBe(join(system, 'reg.exe'));
  });
});

describe('finding a program on Windows', () => {
  const search = (Path: string, programs: readonly string[], env: NodeJS.ProcessEnv = { SYSTEMROOT: 'D:\\Win' }) => ({
    env: { ...env, Path },
    platform: 'win32',
    paths: win32,
    isProgram: (path: string) => programs.includes(path),
  });

  it('searches System32 and the absolute folders of Path', () => {
    expect(
      programFolders(search('.;;bin;C:tools;\\tools;/tools;"C:\\Program Files\\Tool";\\\\server\\share', [])),
    ).toEqual(['D:\\Win\\System32', 'C:\\Program Files\\Tool', '\\\\server\\share']);
  });

  it('adds the extensions of programs, and does not find batch files', () => {
    const programs = [
      'C:\\t\\lms.exe',
      'C:\\t\\npm',
      'C:\\t\\npm.cmd',
      'C:\\t\\x.COM',
      'C:\\t\\both.exe',
      'C:\\t\\both.com',
    ];
    expect(findProgram('lms', search('C:\\t', programs))).toBe('C:\\t\\lms.exe');
    expect(findProgram('lms.exe', search('C:\\t', programs))).toBe('C:\\t\\lms.exe');
    expect(findProgram('C:\\t\\lms', search('', programs))).toBe('C:\\t\\lms.exe');
    expect(findProgram('x.COM', search('C:\\t', programs))).toBe('C:\\t\\x.COM');
    // In the order of PATHEXT.
    expect(findProgram('both', search('C:\\t', programs))).toBe('C:\\t\\both.com');
    expect(findProgram('npm', search('C:\\t', programs))).toBeUndefined();
  });

  it.each(['..\\t\\lms', 't/lms', 'C:lms', '\\t\\lms'])('refuses the relative path %s', (name) => {
    expect(findProgram(name, search('C:\\t', ['C:\\t\\lms.exe', `${name}.exe`]))).toBeUndefined();
  });

  it('ignores a relative system folder', () => {
    expect(programFolders(search('', [], { SystemRoot: '.' }))).toEqual(['C:\\Windows\\System32']);
  });

  it('passes the same folders to shells and libraries, with the existing spelling of Path', () => {
    const { env, platform, paths } = search('.;C:\\t', []);
    expect(searchVariables(env, { platform, paths })).toEqual({
      Path: 'D:\\Win\\System32;C:\\t',
      NoDefaultCurrentDirectoryInExePath: '1',
    });
    expect(variable(env, 'systemroot', 'win32')).toBe('D:\\Win');
    expect(variable(env, 'systemroot', 'linux')).toBeUndefined();
  });
});
