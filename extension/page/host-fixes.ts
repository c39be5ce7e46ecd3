import type { HostProblemKind } from '../worker/host-problem.ts';
import type { MessageKey } from './i18n.ts';

/** How to fix a problem with the host: texts and commands. */
export interface Fix {
  readonly title: MessageKey;
  readonly help: MessageKey;
  /** Whether the host must be installed first. */
  readonly installs?: true;
  readonly commands: readonly { readonly label: string; readonly command: string }[];
}

/** An operating system that commands differ by. */
type System = 'windows' | 'macos' | 'linux';

/** What a fix depends on. */
export interface Platform {
  readonly system: System;
  readonly extensionId: string;
}

/** How to start the host's program from the folder it was unpacked to. */
const PROGRAM: Readonly<Record<System, string>> = {
  windows: '.\\tabagent-host.exe',
  macos: './tabagent-host',
  linux: './tabagent-host',
};

const SYSTEM_NAMES: Readonly<Record<System, string>> = { windows: 'Windows', macos: 'macOS', linux: 'Linux' };

/** Returns how to fix a problem. */
export function fixFor(kind: HostProblemKind, { system, extensionId }: Platform, labels: FixLabels): Fix {
  const run = (command: string) => ({
    label: labels.inHostFolder(SYSTEM_NAMES[system]),
    command: `${PROGRAM[system]} ${command}`,
  });
  switch (kind) {
    case 'notInstalled':
      return { title: 'notInstalledTitle', help: 'notInstalledHelp', installs: true, commands: [run('install')] };
    case 'forbidden':
      return {
        title: 'forbiddenTitle',
        help: 'forbiddenHelp',
        commands: [run(`install --extension-id ${extensionId}`)],
      };
    case 'hostOutdated':
      return { title: 'hostOutdatedTitle', help: 'hostOutdatedHelp', installs: true, commands: [run('install')] };
    case 'extensionOutdated':
      return { title: 'extensionOutdatedTitle', help: 'extensionOutdatedHelp', commands: [] };
    case 'misconfigured':
      return { title: 'misconfiguredTitle', help: 'misconfiguredHelp', commands: [run('doctor')] };
    case 'notStarting':
      return { title: 'notStartingTitle', help: 'notStartingHelp', commands: [run('doctor')] };
    case 'silent':
      return { title: 'silentTitle', help: 'silentHelp', commands: [run('doctor')] };
    case 'stopped':
      return { title: 'stoppedTitle', help: 'stoppedHelp', commands: [] };
  }
}

/** Labels of commands in the user's language. */
export interface FixLabels {
  inHostFolder(system: string): string;
}

/** Returns the system that `navigator.platform` stands for. */
export function systemOf(platform: string): System {
  if (/^win/i.test(platform)) return 'windows';
  return /mac|iphone|ipad/i.test(platform) ? 'macos' : 'linux';
}
