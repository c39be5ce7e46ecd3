import type { Platform } from '../../manifests/browser.ts';
import { pathsOf, type RegistrationEnv } from './platform-env.ts';
import { type FileTarget, FOLDER_MODE, LAUNCHER_MODE } from './target.ts';

/** The program that browsers start. */
export interface Launcher {
  /** Absolute path for the manifest. */
  readonly hostPath: string;
  /** The file to write; absent if the program is an existing executable. */
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
 * Plans the launcher. A browser starts a file without our arguments, so Node.js with a main file needs a small script
 * as a launcher. The packaged host is started directly.
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

/** Returns the text of the launcher: a shell script, or on Windows a batch file. */
export function launcherText(system: Platform, command: readonly string[]): string {
  return system === 'win32' ? batchText(command) : shellText(command);
}

const REMARK = 'Written by "tabagent install", removed by "tabagent uninstall".';

function shellText(command: readonly string[]): string {
  return [
    '#!/bin/sh',
    `# ${REMARK}`,
    // With `exec`, the host receives the browser's signals, and no shell remains in memory.
    `exec ${command.map(quoteForShell).join(' ')} "$@"`,
    '',
  ].join('\n');
}

/** Quotes a word for a POSIX shell. */
function quoteForShell(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function batchText(command: readonly string[]): string {
  return [
    '@echo off',
    // cmd.exe decodes a batch file with the console's code page, which would change a path such as C:\Users\José.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of all ASCII characters
    ...(command.every((word) => /^[\x00-\x7f]*$/.test(word)) ? [] : ['"%SystemRoot%\\System32\\chcp.com" 65001 >nul']),
    `rem ${REMARK}`,
    // If delayed expansion is enabled, it would remove exclamation marks.
    'setlocal DisableDelayedExpansion',
    `${command.map((word) => `"${escapePercent(word)}"`).join(' ')} %*`,
    '',
  ].join('\r\n');
}

/** Escapes percent signs, which a batch file would expand. A Windows path cannot contain quotes. */
function escapePercent(path: string): string {
  return path.replaceAll('%', '%%');
}
