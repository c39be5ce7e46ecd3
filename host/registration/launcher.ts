import type { Platform } from '../../manifests/browser.ts';
import { pathsOf, type RegistrationEnv } from './platform-env.ts';
import { type FileTarget, FOLDER_MODE, LAUNCHER_MODE } from './target.ts';

/** The program that browsers start, and the file that must be written for it. */
export interface Launcher {
  /** Absolute path for the manifest. */
  readonly hostPath: string;
  /** Absent when the program is an executable already. */
  readonly target?: FileTarget;
  /** Files that run when a browser starts the host. */
  readonly runs: readonly string[];
}

/** The host: an executable (the packaged host), or Node.js with the main file of the host. */
export interface HostProgram {
  /** Absolute path of the executable: Node, or the packaged host. */
  readonly execPath: string;
  /** Absolute path of `dist/host/main.js`; absent, or the same as `execPath`, for the packaged host. */
  readonly mainPath?: string | undefined;
}

/** Options of {@link planLauncher}. */
export interface LauncherRequest extends HostProgram, Pick<RegistrationEnv, 'system' | 'paths'> {
  readonly programFolder: string;
  readonly systemWide: boolean;
}

/**
 * A browser starts one file without arguments of ours, so that a host of Node and a main file needs a small script
 * between them. The packaged host is started as it is.
 */
export function planLauncher(request: LauncherRequest): Launcher {
  const { system, execPath, mainPath, programFolder, systemWide } = request;
  if (mainPath === undefined || mainPath === execPath) return { hostPath: execPath, runs: [execPath] };
  const name = system === 'win32' ? 'tabagent-host.bat' : 'tabagent-host';
  const hostPath = pathsOf(request).join(programFolder, 'bin', name);
  return {
    hostPath,
    target: {
      kind: 'file',
      path: hostPath,
      contents: launcherText(system, [execPath, mainPath]),
      mode: LAUNCHER_MODE,
      folderMode: systemWide ? FOLDER_MODE.system : FOLDER_MODE.user,
      browsers: [],
    },
    runs: [execPath, mainPath],
  };
}

/** The launcher's text: a shell script, or on Windows a batch file. */
export function launcherText(system: Platform, command: readonly string[]): string {
  return system === 'win32' ? batchText(command) : shellText(command);
}

const REMARK = 'Written by "tabagent install", removed by "tabagent uninstall".';

function shellText(command: readonly string[]): string {
  return [
    '#!/bin/sh',
    `# ${REMARK}`,
    // exec: signals of the browser reach the host itself, and no shell stays in memory.
    `exec ${command.map(quoteForShell).join(' ')} "$@"`,
    '',
  ].join('\n');
}

/** One word of a POSIX shell, whatever characters are in it. */
function quoteForShell(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function batchText(command: readonly string[]): string {
  return [
    '@echo off',
    // cmd.exe reads a batch file in the console's code page, in which a path such as C:\Users\José is another one.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII, from its first character on
    ...(command.every((word) => /^[\x00-\x7f]*$/.test(word)) ? [] : ['"%SystemRoot%\\System32\\chcp.com" 65001 >nul']),
    `rem ${REMARK}`,
    // Delayed expansion, where a machine has it on, would eat exclamation marks.
    'setlocal DisableDelayedExpansion',
    `${command.map((word) => `"${escapePercent(word)}"`).join(' ')} %*`,
    '',
  ].join('\r\n');
}

/** A Windows path holds no quotes, but it may hold percent signs, which a batch file would expand. */
function escapePercent(path: string): string {
  return path.replaceAll('%', '%%');
}
