import type { HostProblemKind } from '../worker/host-problem.ts';
import type { MessageKey } from './i18n.ts';

/** What a page says about a problem with the host, and the commands that mend it. */
export interface Mend {
  readonly title: MessageKey;
  readonly what: MessageKey;
  readonly commands: readonly { readonly label: string; readonly command: string }[];
}

/** What differs from one system to the next. */
type System = 'windows' | 'macos' | 'linux';

/** What a mend depends on, as the browser tells it. */
export interface Surroundings {
  readonly system: System;
  readonly extensionId: string;
}

/** How the host's program is called in the folder it was unpacked to. */
const PROGRAM: Readonly<Record<System, string>> = {
  windows: '.\\tabagent-host.exe',
  macos: './tabagent-host',
  linux: './tabagent-host',
};

const SYSTEM_NAMES: Readonly<Record<System, string>> = { windows: 'Windows', macos: 'macOS', linux: 'Linux' };

/** What to say and do about a problem. */
export function fixFor(kind: HostProblemKind, { system, extensionId }: Surroundings, labels: MendLabels): Mend {
  const run = (words: string) => ({
    label: labels.inHostFolder(SYSTEM_NAMES[system]),
    command: `${PROGRAM[system]} ${words}`,
  });
  switch (kind) {
    case 'notInstalled':
      return { title: 'notInstalledTitle', what: 'notInstalledWhat', commands: [run('install')] };
    case 'forbidden':
      return {
        title: 'forbiddenTitle',
        what: 'forbiddenWhat',
        commands: [run(`install --extension-id ${extensionId}`)],
      };
    case 'hostOutdated':
      return { title: 'hostOutdatedTitle', what: 'hostOutdatedWhat', commands: [run('install')] };
    case 'extensionOutdated':
      return { title: 'extensionOutdatedTitle', what: 'extensionOutdatedWhat', commands: [] };
    case 'misconfigured':
      return { title: 'misconfiguredTitle', what: 'misconfiguredWhat', commands: [run('doctor')] };
    case 'notStarting':
      return { title: 'notStartingTitle', what: 'notStartingWhat', commands: [run('doctor')] };
    case 'silent':
      return { title: 'silentTitle', what: 'silentWhat', commands: [run('doctor')] };
    case 'stopped':
      return { title: 'stoppedTitle', what: 'stoppedWhat', commands: [] };
  }
}

/** Words of the user's language that commands are labelled with. */
export interface MendLabels {
  inHostFolder(system: string): string;
}

/** The system a browser says it runs on (`navigator.userAgentData.platform`, else `navigator.platform`). */
export function systemOf(platform: string): System {
  if (/^win/i.test(platform)) return 'windows';
  return /mac|iphone|ipad/i.test(platform) ? 'macos' : 'linux';
}
